// Made of src/page by test/build-page.ts: pnpm --filter @apisec/console page
export const PAGE: string =
  "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8" +
  "\">\n<meta name=\"viewport\" content=\"width=device-width, initia" +
  "l-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n" +
  "<title>apisec console</title>\n<link rel=\"icon\" href=\"icon.sv" +
  "g\">\n<link rel=\"stylesheet\" href=\"console.css\">\n<script type=" +
  "\"module\" src=\"console.js\"></script>\n</head>\n<body>\n<a class=" +
  "\"skip\" href=\"#main\">Skip to content</a>\n<header>\n<p class=\"b" +
  "rand\"><img src=\"icon.svg\" alt=\"\" width=\"20\" height=\"20\"> api" +
  "sec</p>\n<nav aria-label=\"Views\"></nav>\n<p id=\"status\" role=\"" +
  "status\">Connecting …</p>\n</header>\n<main id=\"main\" tabindex=" +
  "\"-1\"></main>\n<noscript>The console needs JavaScript. It load" +
  "s none from elsewhere.</noscript>\n</body>\n</html>\n";
export const ICON: string =
  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 20 20\">" +
  "<path fill=\"#2563a8\" d=\"M10 1 3 4v5c0 5 3 8 7 10 4-2 7-5 7-1" +
  "0V4z\"/><path fill=\"none\" stroke=\"#fff\" stroke-width=\"2\" d=\"m" +
  "6.500 10 2.500 2.500 4.500-5\"/></svg>\n";
export const STYLE: string =
  ":root{color-scheme:light dark;--ground: #f6f7f9;--paper: #ff" +
  "f;--ink: #1b2430;--soft: #566272;--line: #d5dae1;--link: #1f" +
  "5c9e;--succeeded: #2b7a4b;--denied: #b42318;--failed: #8a5a0" +
  "0;--aborted: #667085;--act: #5b3fa8}@media(prefers-color-sch" +
  "eme:dark){:root{--ground: #12161c;--paper: #1b2129;--ink: #e" +
  "6eaf0;--soft: #a3afbd;--line: #333d4a;--link: #84b6f0;--succ" +
  "eeded: #5cc489;--denied: #ff8a80;--failed: #f0b849;--aborted" +
  ": #98a5b5;--act: #b9a3f5}}*{box-sizing:border-box}body{margi" +
  "n:0;background:var(--ground);color:var(--ink);font:15px/1.45" +
  " system-ui,sans-serif}a{color:var(--link)}:focus-visible{out" +
  "line:3px solid var(--link);outline-offset:2px}h1:focus,main:" +
  "focus{outline:none}.skip{position:absolute;left:-999px}.skip" +
  ":focus{left:8px;top:8px;background:var(--paper);padding:8px;" +
  "z-index:2}header{display:flex;flex-wrap:wrap;gap:4px 20px;al" +
  "ign-items:center;padding:8px 20px;background:var(--paper);bo" +
  "rder-bottom:1px solid var(--line)}header p{margin:0}.brand{f" +
  "ont-weight:700;display:flex;gap:6px;align-items:center}nav{d" +
  "isplay:flex;flex-wrap:wrap;gap:2px;flex:1}nav a{padding:8px " +
  "12px;border-radius:6px;text-decoration:none;color:var(--ink)" +
  "}nav a:hover{background:var(--ground)}nav a[aria-current]{ba" +
  "ckground:var(--link);color:var(--paper)}#status{color:var(--" +
  "soft);font-size:13px}#status.live:before{content:\"\\25cf  \";c" +
  "olor:var(--succeeded)}#status.reconnecting:before,#status.de" +
  "nied:before{content:\"\\25b2  \";color:var(--denied)}main{max-w" +
  "idth:1280px;margin:0 auto;padding:8px 20px 40px}h1{font-size" +
  ":22px;margin:12px 0}h2{font-size:16px;margin:0 0 8px}h3{font" +
  "-size:14px;margin:12px 0 4px}.tiles{display:grid;grid-templa" +
  "te-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px;margi" +
  "n:0 0 14px}.tile,.panel,figure,.events>li,dialog{background:" +
  "var(--paper);border:1px solid var(--line);border-radius:8px}" +
  ".tile{padding:10px 14px;border-top:3px solid var(--link)}.ti" +
  "le dt{color:var(--soft);font-size:13px}.tile dd{margin:0;fon" +
  "t-size:26px;font-variant-numeric:tabular-nums}.tile.succeede" +
  "d{border-top-color:var(--succeeded)}.tile.denied{border-top-" +
  "color:var(--denied)}.tile.failed{border-top-color:var(--fail" +
  "ed)}.tile.aborted{border-top-color:var(--aborted)}figure{mar" +
  "gin:0 0 14px;padding:12px}figcaption{color:var(--soft);font-" +
  "size:13px;margin-top:6px}.chart{width:100%;height:130px;disp" +
  "lay:block;border-bottom:1px solid var(--line)}.chart .succee" +
  "ded{fill:var(--succeeded)}.chart .denied{fill:var(--denied)}" +
  ".chart .failed{fill:var(--failed)}.chart .aborted{fill:var(-" +
  "-aborted)}.columns{display:grid;grid-template-columns:repeat" +
  "(auto-fit,minmax(min(420px,100%),1fr));gap:14px;align-items:" +
  "start}.panel{padding:12px 14px;margin-bottom:14px;min-width:" +
  "0}.key:before{content:\"\";display:inline-block;width:.65em;he" +
  "ight:.65em;border-radius:2px;margin-right:4px;background:cur" +
  "rentColor}.key{white-space:nowrap}.key.succeeded,.good{color" +
  ":var(--succeeded)}.key.denied,.bad{color:var(--denied)}.key." +
  "failed{color:var(--failed)}.key.aborted{color:var(--aborted)" +
  "}.key.act{color:var(--act)}.scroll{overflow-x:auto}table{bor" +
  "der-collapse:collapse;width:100%}th,td{text-align:left;paddi" +
  "ng:5px 10px 5px 0;vertical-align:top;border-bottom:1px solid" +
  " var(--line)}th{color:var(--soft);font-weight:600;font-size:" +
  "13px}.lines table{table-layout:fixed}.lines th:first-child{w" +
  "idth:21%}.lines th:nth-child(2),.lines th:nth-child(3),.line" +
  "s th:nth-child(7){width:15%}.lines th:nth-last-child(-n+2){w" +
  "idth:5%}.lines td:not(:first-child){font-size:13px}code,.ope" +
  "ration,.who,dd{overflow-wrap:anywhere}td{overflow-wrap:break" +
  "-word}td time,td small{white-space:nowrap}meter{width:100px;" +
  "height:12px}code{font:13px/1.4 ui-monospace,monospace}.hidde" +
  "n{position:absolute;clip-path:inset(50%);width:1px;height:1p" +
  "x;overflow:hidden;white-space:nowrap}.empty,.told{color:var(" +
  "--soft)}.filters{display:flex;flex-wrap:wrap;gap:10px;align-" +
  "items:end;margin-bottom:10px}.field{display:grid;gap:2px;col" +
  "or:var(--soft);font-size:13px}input,select,button{font:inher" +
  "it;color:inherit;background:var(--paper);border:1px solid va" +
  "r(--soft);border-radius:6px;padding:6px 10px;min-height:36px" +
  ";max-width:100%}input{color:var(--ink)}button{cursor:pointer" +
  "}button:hover{border-color:var(--link)}button.danger{color:v" +
  "ar(--denied);border-color:var(--denied)}button:disabled,butt" +
  "on[aria-disabled=true]{opacity:.5;cursor:default}.events{lis" +
  "t-style:none;margin:0;padding:0;display:grid;gap:4px}.events" +
  ">li{contain:content;min-width:0}.events summary{display:grid" +
  ";grid-template-columns:76px 100px minmax(120px,2fr) minmax(1" +
  "00px,1.5fr) minmax(100px,1.5fr);gap:10px;padding:7px 12px;cu" +
  "rsor:pointer;list-style:none}.events summary::-webkit-detail" +
  "s-marker{display:none}.events details[open] summary{border-b" +
  "ottom:1px solid var(--line)}.who{color:var(--soft)}.full{pad" +
  "ding:10px 14px}.full dl{display:grid;grid-template-columns:m" +
  "inmax(100px,max-content) 1fr;gap:3px 14px;margin:0}.full dt{" +
  "color:var(--soft)}.full dd{margin:0}.trace{margin:0;padding-" +
  "left:24px;font:13px/1.5 ui-monospace,monospace;overflow-wrap" +
  ":anywhere}dialog{max-width:min(560px,calc(100vw - 32px));col" +
  "or:inherit;padding:18px}dialog::backdrop{background:#0000008" +
  "0}dialog .secret{display:block;padding:10px;background:var(-" +
  "-ground);-webkit-user-select:all;user-select:all;overflow-wr" +
  "ap:anywhere}dialog form{display:grid;gap:12px}.buttons:not([" +
  "hidden]){display:flex;flex-wrap:wrap;gap:8px}dialog .buttons" +
  "{justify-content:end}@media(max-width:720px){nav{order:3;fle" +
  "x-basis:100%}header,main{padding-left:12px;padding-right:12p" +
  "x}.events summary{grid-template-columns:auto 1fr}.events sum" +
  "mary .operation,.events summary code,.events summary .who{gr" +
  "id-column:1 / -1}.events summary code:empty{display:none}.fu" +
  "ll dl{grid-template-columns:1fr}.full dt{margin-top:6px}.wid" +
  "e thead{display:none}.wide tr{display:block;padding:8px 0;bo" +
  "rder-bottom:1px solid var(--line)}.wide td{overflow-wrap:any" +
  "where;display:block;border:0;padding:1px 0}.wide td:empty{di" +
  "splay:none}.wide td:before{content:attr(data-head) \": \";colo" +
  "r:var(--soft);font-size:13px}}@media(prefers-reduced-motion:" +
  "no-preference){.tile dd{transition:color .2s}}\n";
export const SCRIPT: string =
  "function e(t,n={},...o){let s=document.createElement(t);retu" +
  "rn te(s,n),s.append(...B(o)),s}var Ee=\"http://www.w3.org/200" +
  "0/svg\";function K(t,n,...o){let s=document.createElementNS(E" +
  "e,t);return te(s,n),s.append(...B(o)),s}function E(t,...n){t" +
  ".replaceChildren(...B(n))}function te(t,n){for(let[o,s]of Ob" +
  "ject.entries(n))s!==void 0&&s!==!1&&t.setAttribute(o,s===!0?" +
  "\"\":String(s))}function B(t){return t.flatMap(n=>n===void 0||" +
  "n===!1?[]:[typeof n==\"number\"?`${n}`:n])}function L(t,n,o,s)" +
  "{if(o.length===0)return e(\"p\",{class:\"empty\"},s);let c=e(\"tr" +
  "\",{},...n.map(i=>e(\"th\",{scope:\"col\"},i))),r=o.map(i=>J(n,i)" +
  ");return e(\"div\",{class:\"scroll\",tabindex:0,role:\"region\",\"a" +
  "ria-label\":t},e(\"table\",{},e(\"caption\",{class:\"hidden\"},t),e" +
  "(\"thead\",{},c),e(\"tbody\",{},...r)))}function J(t,n){return e" +
  "(\"tr\",{},...n.map((o,s)=>e(\"td\",{\"data-head\":t[s]},o)))}func" +
  "tion S(t,n,o=\"\",s){let c=s===void 0?void 0:`${t} ${s}`,r=e(\"" +
  "button\",{type:\"button\",class:o,\"aria-label\":c},t),i=async()=" +
  ">{r.disabled=!0;try{await n()}finally{r.disabled=!1}};return" +
  " r.addEventListener(\"click\",()=>{i()}),r}function C(t,n){ret" +
  "urn e(\"label\",{class:\"field\"},e(\"span\",{},t),n)}var ke=new I" +
  "ntl.NumberFormat(\"en\"),g=t=>ke.format(t),Le=new Intl.DateTim" +
  "eFormat(\"en-GB\",{timeStyle:\"medium\"}),Se=new Intl.DateTimeFo" +
  "rmat(\"en-GB\",{dateStyle:\"medium\",timeStyle:\"short\"});functio" +
  "n A(t){if(t===void 0||!Number.isFinite(t))return\"\\u2013\";let" +
  " n=new Date(t),o=Math.abs(Date.now()-t)<432e5;return e(\"time" +
  "\",{datetime:n.toISOString()},(o?Le:Se).format(n))}function H" +
  "(t,n,o){let s=n[0]?.[1]??1;return L(t,[\"Name\",\"Count\",\"\"],n." +
  "map(([c,r])=>[e(\"code\",{},c),g(r),e(\"meter\",{min:0,max:s,val" +
  "ue:r,\"aria-hidden\":\"true\"})]),o)}var b={abilities:{acts:!1,l" +
  "imits:!1,keys:!1,sessions:!1},latest:void 0,seconds:new Map," +
  "events:[],left:0};function Ce(t){\"since\"in t?(b.seconds.clea" +
  "r(),b.left=0):b.left+=t.left;let o=new Set(b.events.map(({id" +
  ":r})=>r)),s=t.events.filter(({id:r})=>!o.has(r));s.length>0&" +
  "&(b.events=[...b.events,...s].slice(-1e3));for(let r of t.se" +
  "conds)b.seconds.set(r[0],r);let c=Math.floor(t.now/1e3)-300;" +
  "for(let r of b.seconds.keys())r<c&&b.seconds.delete(r);b.lat" +
  "est={since:b.latest?.since??t.now,...t}}var z=new URL(\".\",lo" +
  "cation.href);async function $(t){let n=await fetch(new URL(t" +
  ",z));if(!n.ok)throw new Error(await ne(n));return await n.js" +
  "on()}async function O(t,n){let o=await fetch(new URL(t,z),{m" +
  "ethod:\"POST\",headers:{\"content-type\":\"application/json\"},bod" +
  "y:JSON.stringify(n)});if(!o.ok)throw new Error(await ne(o));" +
  "return await o.json()}async function ne(t){let n=await t.jso" +
  "n().catch(()=>({}));return`${typeof n.detail==\"string\"?n.det" +
  "ail:\"That did not work.\"} (${t.status}${typeof n.code==\"stri" +
  "ng\"?`, ${n.code}`:\"\"})`}function Q(t,n){let o=new EventSourc" +
  "e(new URL(\"events\",z)),s=c=>{Ce(JSON.parse(c.data)),n(\"live\"" +
  "),t()};o.addEventListener(\"snapshot\",s),o.addEventListener(\"" +
  "tick\",s),o.addEventListener(\"error\",()=>{if(o.readyState!==E" +
  "ventSource.CLOSED)return n(\"reconnecting\");n(\"denied\"),setTi" +
  "meout(()=>Q(t,n),1e4)})}var F=3,oe=[\"Operation\",\"Authenticat" +
  "ion\",\"Grant\",\"Limit\",\"Input\",\"Output\",\"Other\",\"Calls\",\"Denie" +
  "d\"],Te={all:\"all\",open:\"open to everyone\",unlimited:\"without" +
  " a limit\",unchecked:\"without input check\",uncalled:\"never ca" +
  "lled\",trial:\"with a policy on trial\"};function ae(){let t=e(" +
  "\"input\",{type:\"search\"}),n=e(\"select\",{},...Object.entries(T" +
  "e).map(([w,T])=>e(\"option\",{value:w},T))),o=e(\"p\",{class:\"to" +
  "ld\",role:\"status\"},\"Loading \\u2026\"),s=e(\"div\",{class:\"wide " +
  "lines\"}),c=e(\"div\",{}),r=se(\"Back\",()=>m(Math.max(0,a-1))),i" +
  "=se(\"Next\",()=>m(a+d)),u=e(\"p\",{class:\"buttons\"},r,i),a=0,d=" +
  "0,l=0,h=0,p=({lines:w,from:T,total:x,since:M})=>{a=T,d=w.len" +
  "gth;let N=T+w.length;r.setAttribute(\"aria-disabled\",String(T" +
  "===0)),i.setAttribute(\"aria-disabled\",String(N>=x)),u.hidden" +
  "=w.length===x,E(o,`${g(Math.min(T+1,x))} to ${g(N)} of ${g(x" +
  ")} operations, calls since `,A(M),\".\"),l++;let D=l,P=L(\"Oper" +
  "ations and what guards them\",oe,w.slice(0,F).map(ie),\"No ope" +
  "ration is like that. Give consoleRoutes the option coverage," +
  " if there is none at all.\");E(s,P);let G=P.querySelector(\"tb" +
  "ody\"),k=R=>{R>=w.length||requestAnimationFrame(()=>{if(D!==l" +
  ")return;let ve=w.slice(R,R+F);G?.append(...ve.map(we=>J(oe,i" +
  "e(we)))),k(R+F)})};k(F)},f=({unlisted:w,versions:T,versionCa" +
  "llers:x})=>{let M=x.map(({version:N,caller:D,calls:P})=>[`${" +
  "N}: ${D}`,P]);E(c,e(\"div\",{class:\"columns\"},e(\"section\",{cla" +
  "ss:\"panel\"},e(\"h2\",{},\"Called, and in no table (denied)\"),H(" +
  "\"Unlisted operations\",w,\"Nothing unlisted was called.\")),e(\"" +
  "section\",{class:\"panel\"},e(\"h2\",{},\"API versions in use, las" +
  "t day\"),H(\"Versions\",T,\"No call named a version.\")),e(\"secti" +
  "on\",{class:\"panel\"},e(\"h2\",{},\"Who calls which version, last" +
  " day\"),H(\"Callers of versions\",M,\"No call named a version.\")" +
  ")))},m=async w=>{h++;let T=h,x=new URLSearchParams({from:Str" +
  "ing(w),find:t.value,show:n.value});try{let M=await $(`covera" +
  "ge?${x}`);if(T!==h)return;p(M),f(M)}catch(M){T===h&&(o.textC" +
  "ontent=String(M))}},v=()=>{m(0)};return t.addEventListener(\"" +
  "input\",v),n.addEventListener(\"change\",v),v(),{root:e(\"sectio" +
  "n\",{},e(\"h1\",{tabindex:-1},\"Coverage\"),e(\"div\",{class:\"filte" +
  "rs\",role:\"search\"},C(\"Operation\",t),C(\"Show\",n),S(\"Refresh\"," +
  "()=>m(a))),o,s,u,c),update:()=>{}}}function se(t,n){let o=e(" +
  "\"button\",{type:\"button\"},t);return o.addEventListener(\"click" +
  "\",()=>{o.getAttribute(\"aria-disabled\")!==\"true\"&&n()}),o}fun" +
  "ction ie(t){let{operation:n,authentication:o,grant:s,limit:c" +
  ",input:r,output:i,other:u}=t,{open:a,calls:d,denied:l}=t;ret" +
  "urn[e(\"span\",{},e(\"code\",{},n),\" \",e(\"small\",{},t.table),t.s" +
  "hadow.length>0&&e(\"small\",{class:\"key act\"},`on trial: ${t.s" +
  "hadow.join(\", \")}`)),j(o),a?e(\"strong\",{class:\"bad\"},`open: " +
  "${s.join(\", \")||\"no grant known\"}`):j(s),j(c),j(r),j(i),j(u)" +
  ",d===0?e(\"small\",{},\"never\"):g(d),l===0?\"0\":e(\"span\",{class:" +
  "\"bad\"},g(l))]}function j(t){return t.join(\", \")||\"\\u2013\"}va" +
  "r Me=100,xe=2;function re(t,n){let o=e(\"input\",{type:\"search" +
  "\",placeholder:\"code, operation, caller \\u2026\"});t!==void 0&" +
  "&(o.value=t);let s=e(\"select\",{},...[\"all\",\"denied\",\"failed\"" +
  ",\"succeeded\",\"acts\",\"on trial\"].map(y=>e(\"option\",{value:y}," +
  "y)));n!==void 0&&(s.value=n);let c=e(\"ol\",{class:\"events\",\"a" +
  "ria-label\":\"Newest decisions\"}),r=e(\"p\",{class:\"told\",role:\"" +
  "status\"}),i=!1,u=[],a=S(\"Pause\",()=>{i=!i,a.textContent=i?\"G" +
  "o on\":\"Pause\",a.setAttribute(\"aria-pressed\",String(i)),i||m(" +
  ")}),d=new Map,l=()=>{let y=o.value.trim().toLowerCase(),w=ne" +
  "w Set(b.events.map(({id:k})=>k)),x=[...u.filter(({id:k})=>!w" +
  ".has(k)),...b.events].filter(k=>$e(k,s.value)&&Oe(k,y)),M=x." +
  "slice(-Me).toReversed(),N=new Set(M.map(({id:k})=>k));for(le" +
  "t k of d.keys())N.has(k)||d.delete(k);let D=xe,P=M.flatMap(k" +
  "=>{let R=d.get(k.id)??(D-- >0?Re(k):void 0);return R===void " +
  "0?[]:(d.set(k.id,R),[R])});Ae(c,P),D<0&&p();let G=b.left>0?`" +
  " ${g(b.left)} came too fast to be sent.`:\"\";r.textContent=`$" +
  "{g(M.length)} of ${g(x.length)} shown.${G}`},h=!1,p=()=>{h||" +
  "(h=!0,requestAnimationFrame(()=>{h=!1,l()}))},f=async y=>{le" +
  "t w=`decisions?request=${encodeURIComponent(y)}`;u=await $(w" +
  ").catch(()=>[]),l(),c.querySelector(\"details\")?.setAttribute" +
  "(\"open\",\"\")},m=()=>{!i&&!h&&l()};o.addEventListener(\"input\"," +
  "p),s.addEventListener(\"change\",l),t!==void 0&&f(t);let v=e(\"" +
  "section\",{},e(\"h1\",{tabindex:-1},\"Decisions\"),e(\"form\",{clas" +
  "s:\"filters\",role:\"search\"},C(\"Filter\",o),C(\"Show\",s),a),r,c)" +
  ";return v.querySelector(\"form\")?.addEventListener(\"submit\",y" +
  "=>y.preventDefault()),{root:v,update:m}}function Ae(t,n){let" +
  " o=new Set(n);for(let c of Array.from(t.children))o.has(c)||" +
  "c.remove();let s=t.firstElementChild;for(let c of n)c===s?s=" +
  "s.nextElementSibling:t.insertBefore(c,s)}function $e(t,n){re" +
  "turn n===\"all\"?!0:n===\"acts\"?t.kind===\"act\":n===\"on trial\"?t" +
  ".wouldDeny!==void 0:t.kind===\"decision\"&&t.outcome===n}funct" +
  "ion Oe(t,n){if(n===\"\")return!0;let{operation:o,code:s,policy" +
  ":c,principal:r,peer:i,requestId:u,act:a,tenant:d,client:l}=t" +
  ";return[o,s,c,r,i,u,a,d,l].some(h=>h?.toLowerCase().includes" +
  "(n)===!0)}function Re(t){let{outcome:n,operation:o,code:s,po" +
  "licy:c,act:r,subject:i,principal:u,peer:a,kind:d}=t,l=e(\"det" +
  "ails\",{},e(\"summary\",{},A(t.time),e(\"span\",{class:`key ${d==" +
  "=\"act\"?\"act\":n}`},d===\"act\"?\"act\":n),e(\"span\",{class:\"operat" +
  "ion\"},r??o??\"unknown operation\"),e(\"code\",{},s??\"\"),e(\"span\"" +
  ",{class:\"who\"},i??u??a??\"unknown caller\")));return l.addEven" +
  "tListener(\"toggle\",()=>{l.open&&l.children.length===1&&l.app" +
  "end(He(t,c))}),e(\"li\",{},l)}function He(t,n){let{requestId:o" +
  ",trace:s=[],wouldDeny:c=[],degraded:r=[],target:i,data:u}=t," +
  "a=[[\"Denied by\",n&&`${n}: ${t.code??\"\"} (${t.denialKind??\"\"}" +
  ")`],[\"Reason, for operators\",t.cause??t.reason],[\"Would be d" +
  "enied by\",c.join(\", \")],[\"Degraded\",r.join(\", \")],[\"Target\"," +
  "i&&`${i.type} ${i.id}`],[\"Data\",u&&JSON.stringify(u)],[\"Even" +
  "t\",`${t.event} (${t.severity})`],[\"Protocol\",[t.protocol,t.s" +
  "tatus].filter(d=>d!==void 0).join(\" \")],[\"Principal\",t.princ" +
  "ipal],[\"Client\",t.client],[\"Tenant\",t.tenant],[\"API key\",t.a" +
  "piKey],[\"Peer\",t.peer],[\"Latency\",t.latencyMs===void 0?void " +
  "0:`${t.latencyMs} ms`],[\"Request\",o&&e(\"a\",{href:`#decisions" +
  "?request=${encodeURIComponent(o)}`},o)],[\"Trace id\",t.traceI" +
  "d]];return e(\"div\",{class:\"full\"},e(\"dl\",{},...a.flatMap(([d" +
  ",l])=>l===void 0||l===\"\"||l===!1?[]:[e(\"dt\",{},d),e(\"dd\",{}," +
  "l)])),s.length>0&&e(\"h3\",{},\"Policies that ran\"),s.length>0&" +
  "&e(\"ol\",{class:\"trace\"},...s.map(d=>e(\"li\",{class:/: denied/" +
  ".test(d)?\"bad\":void 0},d))))}function V(t,n,o,s){let c=e(\"p\"" +
  ",{class:\"bad\",role:\"alert\"}),r=e(\"button\",{type:\"submit\",cla" +
  "ss:\"danger\"},o),i=e(\"button\",{type:\"button\"},\"Cancel\"),u=e(\"" +
  "form\",{},e(\"h2\",{id:\"dialog-title\"},t),...n,c,e(\"div\",{class" +
  ":\"buttons\"},i,r)),a=le(u),d=async()=>{r.disabled=!0;try{awai" +
  "t s(),a.close()}catch(l){c.textContent=l instanceof Error?l." +
  "message:String(l),r.disabled=!1}};i.addEventListener(\"click\"" +
  ",()=>a.close()),u.addEventListener(\"submit\",l=>{l.preventDef" +
  "ault(),d()})}function q(t,...n){let o=e(\"button\",{type:\"butt" +
  "on\"},\"Close\"),s=le(e(\"div\",{},e(\"h2\",{id:\"dialog-title\"},t)," +
  "...n,o));o.addEventListener(\"click\",()=>s.close())}function " +
  "le(t){let n=e(\"dialog\",{\"aria-labelledby\":\"dialog-title\"},t)" +
  ",o=document.activeElement;return n.addEventListener(\"close\"," +
  "()=>{n.remove(),o instanceof HTMLElement&&o.focus()}),docume" +
  "nt.body.append(n),n.showModal(),n}function I(t){return t?\"\":" +
  "\"It was done, but the audit trail did not take it. Tell whoe" +
  "ver keeps the trail.\"}function de(){let{keys:t,sessions:n}=b" +
  ".abilities;return{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"" +
  "Keys and sessions\"),t?Ne():e(\"p\",{class:\"empty\"},\"Give conso" +
  "leRoutes the option keys to see API keys.\"),n?De():e(\"p\",{cl" +
  "ass:\"empty\"},\"Give consoleRoutes the option sessions to see " +
  "sessions.\")),update:()=>{}}}function Ne(){let t=e(\"input\",{n" +
  "ame:\"tenant\",placeholder:\"of no tenant\"}),n=e(\"div\",{class:\"" +
  "wide\",\"aria-live\":\"polite\"}),o=[],s=async()=>{try{let{keys:a" +
  ",next:d}=await O(\"keys/list\",{tenant:t.value,after:o.at(-1)}" +
  ");E(n,L(\"API keys\",[\"Name\",\"Id\",\"Owner\",\"Status\",\"Age\",\"Last" +
  " used\",\"Expires\",\"Acts\"],a.map(l=>c(l)),\"There are no keys h" +
  "ere.\"),d!==void 0&&S(\"Next\",()=>(o.push(d),s())))}catch(a){E" +
  "(n,e(\"p\",{class:\"bad\"},a instanceof Error?a.message:String(a" +
  ")))}},c=a=>{let{name:d,id:l,owner:h,status:p,createdAt:f,las" +
  "tUsedAt:m,expiresAt:v,previous:y}=a,w=p===\"revoked\",T=y!==vo" +
  "id 0&&y.until>Date.now();return[d,e(\"code\",{},l),`${h.type} " +
  "${h.id}`,e(\"span\",{class:w?\"bad\":void 0},p,T?\", old secret s" +
  "till good until \":\"\",T&&A(y.until)),Pe(f),A(m),A(v),b.abilit" +
  "ies.acts&&!w&&e(\"span\",{class:\"buttons\"},S(\"Rotate \\u2026\",(" +
  ")=>r(a),\"\",a.name),S(\"Revoke \\u2026\",()=>i(a),\"danger\",a.nam" +
  "e))]},r=({id:a,name:d,generation:l})=>{let h=e(\"input\",{type" +
  ":\"number\",min:0,max:720,step:1,value:24,required:!0});V(`Rot" +
  "ate the key \\u201C${d}\\u201D?`,[C(\"Hours for which the old s" +
  "ecret stays good\",h)],\"Rotate\",async()=>{let p={id:a,generat" +
  "ion:l,overlapHours:h.valueAsNumber},{key:f,recorded:m}=await" +
  " O(\"keys/rotate\",p);await s(),q(\"The new key\",\"It is shown o" +
  "nce, here.\",e(\"code\",{class:\"secret\"},f),e(\"p\",{class:\"bad\"}" +
  ",I(m)))})},i=({id:a,name:d})=>{let l=e(\"input\",{maxlength:51" +
  "2,required:!0});V(`Revoke the key \\u201C${d}\\u201D?`,[\"Nobod" +
  "y can undo this.\",C(\"Reason, for the audit trail\",l)],\"Revok" +
  "e\",async()=>{let{recorded:h}=await O(\"keys/revoke\",{id:a,rea" +
  "son:l.value});await s(),h||q(\"Revoked\",I(h))})},u=e(\"form\",{" +
  "class:\"filters\"},C(\"Tenant\",t),e(\"button\",{},\"List\"));return" +
  " u.addEventListener(\"submit\",a=>{a.preventDefault(),o=[],s()" +
  "}),s(),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"API keys\"),u,n" +
  ")}function De(){let t=e(\"input\",{name:\"issuer\",required:!0})" +
  ",n=e(\"input\",{name:\"subject\",required:!0}),o=e(\"div\",{class:" +
  "\"wide\",\"aria-live\":\"polite\"}),s=()=>({issuer:t.value,subject" +
  ":n.value}),c=async()=>{let u=s();try{let a=await O(\"sessions" +
  "/list\",u);E(o,L(\"Sessions\",[\"Client\",\"Began\",\"Last seen\",\"En" +
  "ds\",\"Acts\"],a.map(({handle:d,clientId:l,createdAt:h,seenAt:p" +
  ",expiresAt:f})=>[l,A(h),A(p),A(f),b.abilities.acts&&S(\"End \\" +
  "u2026\",()=>r({...u,handle:d},\"this session\"),\"danger\",d.slic" +
  "e(0,8))]),\"This user has no session.\"),a.length>1&&b.abiliti" +
  "es.acts&&S(\"End all \\u2026\",()=>r({...u,all:!0},\"all of them" +
  "\"),\"danger\"))}catch(a){E(o,e(\"p\",{class:\"bad\"},a instanceof " +
  "Error?a.message:String(a)))}},r=(u,a)=>V(`End ${a}?`,[\"The u" +
  "ser has to sign in again.\"],\"End\",async()=>{let{recorded:d}=" +
  "await O(\"sessions/end\",u);await c(),d||q(\"Ended\",I(d))}),i=e" +
  "(\"form\",{class:\"filters\"},C(\"Issuer\",t),C(\"Subject\",n),e(\"bu" +
  "tton\",{},\"List\"));return i.addEventListener(\"submit\",u=>{u.p" +
  "reventDefault(),c()}),e(\"section\",{class:\"panel\"},e(\"h2\",{}," +
  "\"Sessions of a user\"),i,o)}function Pe(t){let n=Math.floor((" +
  "Date.now()-t)/864e5);return e(\"span\",{class:n>365?\"bad\":void" +
  " 0},n===0?\"today\":`${n} days`)}function ce(){let t=e(\"div\",{" +
  "}),n=e(\"div\",{}),o=e(\"div\",{\"aria-live\":\"polite\"}),s=e(\"p\",{" +
  "class:\"bad\",role:\"alert\"}),c=e(\"select\",{name:\"limit\"}),r=e(" +
  "\"input\",{name:\"key\",required:!0}),i=e(\"input\",{name:\"tenant\"" +
  "}),u=async p=>{s.textContent=\"\";let f={limit:c.value,...p},m" +
  "=p.alias??p.key??\"\";try{let v=await O(\"limits/read\",f);E(o,e" +
  "(\"h3\",{},`${f.limit}: ${m}`),L(\"What is left\",[\"Kind\",\"Left\"" +
  ",\"Of\",\"\",\"Full again in\"],v.map(y=>[y.algorithm,g(Math.floor" +
  "(y.remaining)),g(y.capacity),e(\"meter\",{min:0,max:y.capacity" +
  ",low:y.capacity*.2,value:y.remaining,\"aria-hidden\":\"true\"})," +
  "`${g(Math.ceil(y.resetAfterMs/1e3))} s`]),\"This limit counts" +
  " nothing.\"),b.abilities.acts&&S(\"Reset \\u2026\",()=>a(f,m),\"d" +
  "anger\"))}catch(v){s.textContent=v instanceof Error?v.message" +
  ":String(v)}},a=(p,f)=>V(`Reset the limit of ${f}?`,[\"What wa" +
  "s used is forgotten.\"],\"Reset\",async()=>{let{recorded:m}=awa" +
  "it O(\"limits/reset\",p);m||q(\"Reset\",I(m)),await u(p)}),d=asy" +
  "nc()=>{try{let p=await $(\"limits\"),f=c.value;E(c,...p.limits" +
  ".map(m=>e(\"option\",{},m))),p.limits.includes(f)&&(c.value=f)" +
  ",E(t,L(\"Callers who call most\",[\"Caller\",\"Calls\",\"Denied\",\"\"" +
  "],p.hottest.map(({alias:m,calls:v,denied:y})=>[e(\"code\",{},m" +
  "),g(v),y>0?e(\"span\",{class:\"bad\"},g(y)):\"0\",p.limits.length>" +
  "0&&S(\"Look\",()=>u({alias:m}),\"\",m)]),\"Nobody called in the l" +
  "ast minutes.\")),E(n,L(\"Limits that would fit\",[\"Operation\",\"" +
  "Calls of a caller in a minute\",\"Learned from\"],p.suggested.m" +
  "ap(({operation:m,perMinute:v,observations:y})=>[e(\"code\",{}," +
  "m),g(v),`${g(y)} caller-minutes`]),\"Nothing was learned yet:" +
  " give consoleRoutes the option usage, and it some minutes.\")" +
  ")}catch(p){s.textContent=String(p)}};d();let l=e(\"form\",{cla" +
  "ss:\"filters\"},C(\"Limit\",c),C(\"Caller, as the limit counts it" +
  "\",r),C(\"Tenant\",i),e(\"button\",{},\"Look\"));return l.addEventL" +
  "istener(\"submit\",p=>{p.preventDefault(),u({key:r.value,...i." +
  "value!==\"\"&&{tenant:i.value}})}),{root:e(\"section\",{},e(\"h1\"" +
  ",{tabindex:-1},\"Limits\"),e(\"div\",{class:\"columns\"},e(\"sectio" +
  "n\",{class:\"panel\"},e(\"h2\",{},\"Hottest callers, last minutes\"" +
  "),t,e(\"p\",{class:\"buttons\"},S(\"Refresh\",d))),e(\"section\",{cl" +
  "ass:\"panel\"},e(\"h2\",{},\"What is left to a caller\"),b.abiliti" +
  "es.limits?l:e(\"p\",{class:\"empty\"},\"Give consoleRoutes the op" +
  "tion limits.\"),s,o),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"S" +
  "uggested limits\"),n))),update:()=>{}}}var U=120,X=120,W=[\"su" +
  "cceeded\",\"denied\",\"failed\",\"aborted\"];function pe(){let t=e(" +
  "\"dl\",{class:\"tiles\"}),n=e(\"figure\",{}),o=e(\"div\",{}),s=e(\"di" +
  "v\",{});return{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Now\"" +
  "),t,n,e(\"div\",{class:\"columns\"},ue(\"Denials by code, last mi" +
  "nutes\",o),ue(\"Health\",s))),update:()=>{let{latest:i}=b;if(i=" +
  "==void 0)return;let u=Math.floor(i.now/1e3),a=Array.from({le" +
  "ngth:U},(f,m)=>{let[,...v]=b.seconds.get(u-U+m)??[0,0,0,0,0]" +
  ";return v}),d=W.map((f,m)=>a.reduce((v,y)=>v+(y[m]??0),0)),h" +
  "=a.slice(-10).flat().reduce((f,m)=>f+m,0)/10;t.replaceChildr" +
  "en(...me(\"Decisions a second\",h<10?h.toFixed(1):g(Math.round" +
  "(h))),...W.flatMap((f,m)=>me(`${f}, 2 min`,g(d[m]??0),f))),n" +
  ".replaceChildren(je(a,d),e(\"figcaption\",{},\"The last two min" +
  "utes. \",...W.flatMap(f=>[e(\"span\",{class:`key ${f}`},f),\" \"]" +
  "))),o.replaceChildren(H(\"Codes\",i.codes,\"Nothing was denied." +
  "\"));let p=i.sinks.filter(({healthy:f,lost:m})=>!f||m>0);E(s," +
  "i.degraded.length>0&&e(\"h3\",{},\"Unavailable or degraded, las" +
  "t minutes\"),p.length===0&&i.degraded.length===0?e(\"p\",{class" +
  ":\"good\"},\"\\u2713 No store or sink is degraded.\"):H(\"Degraded" +
  "\",i.degraded,\"No decision is degraded.\"),e(\"h3\",{},\"Sinks of" +
  " the audit trail\"),L(\"Sinks of the audit trail\",[\"Sink\",\"Sta" +
  "te\",\"Waiting\",\"Lost\"],i.sinks.map(({name:f,healthy:m,queued:" +
  "v,lost:y})=>[f,m?\"ok\":e(\"strong\",{class:\"bad\"},\"failing\"),g(" +
  "v),y>0?e(\"strong\",{class:\"bad\"},g(y)):\"0\"]),\"There are no si" +
  "nks.\"),i.shadow.length>0&&e(\"h3\",{},\"Policies on trial would" +
  " have denied, last day\"),i.shadow.length>0&&H(\"Shadow\",i.sha" +
  "dow,\"\"))}}}function ue(t,n){return e(\"section\",{class:\"panel" +
  "\"},e(\"h2\",{},t),n)}function me(t,n,o=\"\"){return[e(\"div\",{cla" +
  "ss:`tile ${o}`},e(\"dt\",{},t),e(\"dd\",{},n))]}function je(t,n)" +
  "{let o=Math.max(1,...t.map(i=>i.reduce((u,a)=>u+a,0))),s=i=>" +
  "(X-i/o*X).toFixed(1),c=W.map((i,u)=>{let a=l=>l.slice(0,u).r" +
  "educe((h,p)=>h+p,0),d=t.map((l,h)=>{let[p,f]=[a(l),l[u]??0];" +
  "return f===0?\"\":`M${h} ${s(p)}V${s(p+f)}h.85V${s(p)}z`});ret" +
  "urn K(\"path\",{class:i,d:d.join(\"\")})}),r=W.map((i,u)=>`${n[u" +
  "]} ${i}`).join(\", \");return K(\"svg\",{class:\"chart\",viewBox:`" +
  "0 0 ${U} ${X}`,preserveAspectRatio:\"none\",role:\"img\",\"aria-l" +
  "abel\":`Decisions in each of the last ${U} seconds: ${r}; at " +
  "most ${o} in one second.`},...c)}function fe(){let t=e(\"p\",{" +
  "class:\"told\",role:\"status\"},\"Loading \\u2026\"),n=e(\"div\",{cla" +
  "ss:\"wide\"}),o=e(\"div\",{class:\"wide\"}),s=async()=>{try{let r=" +
  "await $(\"shadow\"),i=r.trials.reduce((u,a)=>u+a.admitted,0);t" +
  ".textContent=`Calls of the last day that were let in, and th" +
  "at policies on trial would have denied: ${g(i)}.`,E(n,L(\"Wha" +
  "t policies on trial would have denied\",[\"Operation\",\"Policy\"" +
  ",\"Code\",\"Would be denied\",\"Of them let in\"],r.trials.map(({o" +
  "peration:u,policy:a,code:d,would:l,admitted:h})=>[e(\"code\",{" +
  "},u),a,e(\"code\",{},d),g(l),h>0?e(\"strong\",{class:\"bad\"},g(h)" +
  "):\"0\"]),\"No policy on trial would have denied a call.\")),E(o" +
  ",L(\"Policies on trial that would have denied nothing\",[\"Oper" +
  "ation\",\"Policy\",\"Calls since the feed began\"],r.silent.map((" +
  "{operation:u,table:a,policy:d,calls:l})=>[e(\"span\",{},e(\"cod" +
  "e\",{},u),\" \",e(\"small\",{},a)),d,l===0?e(\"small\",{},\"never ca" +
  "lled\"):g(l)]),\"There is none, or consoleRoutes has no tables" +
  ".\"))}catch(r){t.textContent=r instanceof Error?r.message:Str" +
  "ing(r)}};return s(),{root:e(\"section\",{},e(\"h1\",{tabindex:-1" +
  "},\"Shadow\"),t,e(\"section\",{class:\"panel\"},e(\"h2\",{},\"Would h" +
  "ave been denied, last day\"),n),e(\"section\",{class:\"panel\"},e" +
  "(\"h2\",{},\"On trial, and denied nothing\"),o),e(\"p\",{},S(\"Refr" +
  "esh\",s),\" \",e(\"a\",{href:\"#decisions?kind=on%20trial\"},\"The c" +
  "alls\"))),update:()=>{}}}var ee={now:{title:\"Now\",make:pe},co" +
  "verage:{title:\"Coverage\",make:ae},decisions:{title:\"Decision" +
  "s\",make:re},limits:{title:\"Limits\",make:ce},shadow:{title:\"S" +
  "hadow\",make:fe},keys:{title:\"Keys and sessions\",make:de}},he" +
  "=document.querySelector(\"main\"),ge=document.querySelector(\"n" +
  "av\"),Y=document.querySelector(\"#status\"),_,Z=!1;function be(" +
  "){let[t=\"\",n=\"\"]=location.hash.slice(1).split(\"?\");if(t===\"m" +
  "ain\")return he.focus();let o=Object.hasOwn(ee,t)?t:\"now\",s=e" +
  "e[o];if(s===void 0)return;let c=_!==void 0,r=new URLSearchPa" +
  "rams(n);_=s.make(r.get(\"request\")??void 0,r.get(\"kind\")??voi" +
  "d 0),_.update(),he.replaceChildren(_.root),document.title=`$" +
  "{s.title} \\xB7 apisec console`;for(let i of ge.querySelector" +
  "All(\"a\"))i.hash===`#${o}`?i.setAttribute(\"aria-current\",\"pag" +
  "e\"):i.removeAttribute(\"aria-current\");c&&_.root.querySelecto" +
  "r(\"h1\")?.focus()}function Ve(){Z||(Z=!0,requestAnimationFram" +
  "e(()=>{Z=!1,_?.update()}))}var ye={live:\"Live\",reconnecting:" +
  "\"Reconnecting \\u2026\",denied:\"Not connected: signed out, or " +
  "too many pages are open. Reload to sign in.\"};function qe(t)" +
  "{Y.textContent!==ye[t]&&(Y.textContent=ye[t],Y.className=t)}" +
  "ge.append(...Object.entries(ee).map(([t,{title:n}])=>e(\"a\",{" +
  "href:`#${t}`},n)));addEventListener(\"hashchange\",be);b.abili" +
  "ties=await $(\"abilities\").catch(()=>b.abilities);be();Q(Ve,q" +
  "e);\n";
