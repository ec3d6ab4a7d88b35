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
  ";max-width:100%}input{color:var(--ink)}::placeholder{color:v" +
  "ar(--soft);opacity:1}button{cursor:pointer}button:hover{bord" +
  "er-color:var(--link)}button.danger{color:var(--denied);borde" +
  "r-color:var(--denied)}button:disabled,button[aria-disabled=t" +
  "rue]{opacity:.5;cursor:default}.events{list-style:none;margi" +
  "n:0;padding:0;display:grid;gap:4px}.events>li{contain:conten" +
  "t;min-width:0}.events summary{display:grid;grid-template-col" +
  "umns:76px 100px minmax(120px,2fr) minmax(100px,1.5fr) minmax" +
  "(100px,1.5fr);gap:10px;padding:7px 12px;cursor:pointer;list-" +
  "style:none}.events summary::-webkit-details-marker{display:n" +
  "one}.events details[open] summary{border-bottom:1px solid va" +
  "r(--line)}.who{color:var(--soft)}.full{padding:10px 14px}.fu" +
  "ll dl{display:grid;grid-template-columns:minmax(100px,max-co" +
  "ntent) 1fr;gap:3px 14px;margin:0}.full dt{color:var(--soft)}" +
  ".full dd{margin:0}.trace{margin:0;padding-left:24px;font:13p" +
  "x/1.5 ui-monospace,monospace;overflow-wrap:anywhere}dialog{m" +
  "ax-width:min(560px,calc(100vw - 32px));color:inherit;padding" +
  ":18px}dialog::backdrop{background:#00000080}dialog .secret{d" +
  "isplay:block;padding:10px;background:var(--ground);-webkit-u" +
  "ser-select:all;user-select:all;overflow-wrap:anywhere}dialog" +
  " form{display:grid;gap:12px}.buttons:not([hidden]){display:f" +
  "lex;flex-wrap:wrap;gap:8px}dialog .buttons{justify-content:e" +
  "nd}@media(max-width:720px){nav{order:3;flex-basis:100%}heade" +
  "r,main{padding-left:12px;padding-right:12px}.events summary{" +
  "grid-template-columns:auto 1fr}.events summary .operation,.e" +
  "vents summary code,.events summary .who{grid-column:1 / -1}." +
  "events summary code:empty{display:none}.full dl{grid-templat" +
  "e-columns:1fr}.full dt{margin-top:6px}.wide thead{display:no" +
  "ne}.wide tr{display:block;padding:8px 0;border-bottom:1px so" +
  "lid var(--line)}.wide td{overflow-wrap:anywhere;display:bloc" +
  "k;border:0;padding:1px 0}.wide td:empty{display:none}.wide t" +
  "d:before{content:attr(data-head) \": \";color:var(--soft);font" +
  "-size:13px}}@media(prefers-reduced-motion:no-preference){.ti" +
  "le dd{transition:color .2s}}\n";
export const SCRIPT: string =
  "function e(t,n={},...o){let s=document.createElement(t);retu" +
  "rn ne(s,n),s.append(...B(o)),s}var Se=\"http://www.w3.org/200" +
  "0/svg\";function K(t,n,...o){let s=document.createElementNS(S" +
  "e,t);return ne(s,n),s.append(...B(o)),s}function E(t,...n){t" +
  ".replaceChildren(...B(n))}function ne(t,n){for(let[o,s]of Ob" +
  "ject.entries(n))s!==void 0&&s!==!1&&t.setAttribute(o,s===!0?" +
  "\"\":String(s))}function B(t){return t.flatMap(n=>n===void 0||" +
  "n===!1?[]:[typeof n==\"number\"?`${n}`:n])}function k(t,n,o,s)" +
  "{if(o.length===0)return e(\"p\",{class:\"empty\"},s);let l=e(\"tr" +
  "\",{},...n.map(i=>e(\"th\",{scope:\"col\"},i))),r=o.map(i=>J(n,i)" +
  ");return e(\"div\",{class:\"scroll\",tabindex:0,role:\"region\",\"a" +
  "ria-label\":t},e(\"table\",{},e(\"caption\",{class:\"hidden\"},t),e" +
  "(\"thead\",{},l),e(\"tbody\",{},...r)))}function J(t,n){return e" +
  "(\"tr\",{},...n.map((o,s)=>e(\"td\",{\"data-head\":t[s]},o)))}func" +
  "tion S(t,n,o=\"\",s){let l=s===void 0?void 0:`${t} ${s}`,r=e(\"" +
  "button\",{type:\"button\",class:o,\"aria-label\":l},t),i=async()=" +
  ">{r.disabled=!0;try{await n()}finally{r.disabled=!1}};return" +
  " r.addEventListener(\"click\",()=>{i()}),r}function C(t,n){ret" +
  "urn e(\"label\",{class:\"field\"},e(\"span\",{},t),n)}var Ce=new I" +
  "ntl.NumberFormat(\"en\"),y=t=>Ce.format(t),Te=new Intl.DateTim" +
  "eFormat(\"en-GB\",{timeStyle:\"medium\"}),Me=new Intl.DateTimeFo" +
  "rmat(\"en-GB\",{dateStyle:\"medium\",timeStyle:\"short\"});functio" +
  "n M(t){if(t===void 0||!Number.isFinite(t))return\"\\u2013\";let" +
  " n=new Date(t),o=Math.abs(Date.now()-t)<432e5;return e(\"time" +
  "\",{datetime:n.toISOString()},(o?Te:Me).format(n))}function H" +
  "(t,n,o){let s=n[0]?.[1]??1;return k(t,[\"Name\",\"Count\",\"\"],n." +
  "map(([l,r])=>[e(\"code\",{},l),y(r),e(\"meter\",{min:0,max:s,val" +
  "ue:r,\"aria-hidden\":\"true\"})]),o)}var b={abilities:{acts:!1,l" +
  "imits:!1,keys:!1,sessions:!1},latest:void 0,seconds:new Map," +
  "events:[],left:0};function xe(t){\"since\"in t?(b.seconds.clea" +
  "r(),b.left=0):b.left+=t.left;let o=new Set(b.events.map(({id" +
  ":r})=>r)),s=t.events.filter(({id:r})=>!o.has(r));s.length>0&" +
  "&(b.events=[...b.events,...s].slice(-1e3));for(let r of t.se" +
  "conds)b.seconds.set(r[0],r);let l=Math.floor(t.now/1e3)-300;" +
  "for(let r of b.seconds.keys())r<l&&b.seconds.delete(r);b.lat" +
  "est={since:b.latest?.since??t.now,...t}}var z=new URL(\".\",lo" +
  "cation.href);async function $(t){let n=await fetch(new URL(t" +
  ",z));if(!n.ok)throw new Error(await oe(n));return await n.js" +
  "on()}async function O(t,n){let o=await fetch(new URL(t,z),{m" +
  "ethod:\"POST\",headers:{\"content-type\":\"application/json\"},bod" +
  "y:JSON.stringify(n)});if(!o.ok)throw new Error(await oe(o));" +
  "return await o.json()}async function oe(t){let n=await t.jso" +
  "n().catch(()=>({}));return`${typeof n.detail==\"string\"?n.det" +
  "ail:\"That did not work.\"} (${t.status}${typeof n.code==\"stri" +
  "ng\"?`, ${n.code}`:\"\"})`}function Q(t,n){let o=new EventSourc" +
  "e(new URL(\"events\",z)),s=l=>{xe(JSON.parse(l.data)),n(\"live\"" +
  "),t()};o.addEventListener(\"snapshot\",s),o.addEventListener(\"" +
  "tick\",s),o.addEventListener(\"error\",()=>{if(o.readyState!==E" +
  "ventSource.CLOSED)return n(\"reconnecting\");n(\"denied\"),setTi" +
  "meout(()=>Q(t,n),1e4)})}function se(t){return k(\"API version" +
  "s\",[\"Version\",\"State\",\"Ends\",\"Successor\",\"Calls\",\"Callers to" +
  "day\"],t.map(({version:n,state:o,deprecatedAt:s,sunsetAt:l,su" +
  "ccessor:r,calls:i,callers:u,tables:a})=>[e(\"span\",{},e(\"code" +
  "\",{},n),\" \",e(\"small\",{},a.join(\", \"))),o===\"deprecated\"?e(\"" +
  "span\",{},X(o,i),\" since \",M(s)):X(o,i),M(l),r===void 0?\"\\u20" +
  "13\":e(\"code\",{},r),i===0?e(\"small\",{},\"none\"):y(i),u===void " +
  "0?\"\\u2013\":y(u)]),\"No call named a version, and no table tel" +
  "ls versions apart.\")}function ie(t){return k(\"Callers of ver" +
  "sions\",[\"Version\",\"State\",\"Caller\",\"Calls\"],t.map(({version:" +
  "n,state:o,caller:s,calls:l})=>[e(\"code\",{},n),X(o,l),e(\"code" +
  "\",{},s),y(l)]),\"No call named a version.\")}function X(t,n){r" +
  "eturn(t===\"deprecated\"||t===\"ended\")&&n>0?e(\"strong\",{class:" +
  "\"bad\"},t):t}var F=3,ae=[\"Operation\",\"Authentication\",\"Grant\"" +
  ",\"Limit\",\"Input\",\"Output\",\"Other\",\"Calls\",\"Denied\"],Ae={all:" +
  "\"all\",open:\"open to everyone\",unlimited:\"without a limit\",un" +
  "checked:\"without input check\",uncalled:\"never called\",trial:" +
  "\"with a policy on trial\"};function de(){let t=e(\"input\",{typ" +
  "e:\"search\"}),n=e(\"select\",{},...Object.entries(Ae).map(([w,T" +
  "])=>e(\"option\",{value:w},T))),o=e(\"p\",{class:\"told\",role:\"st" +
  "atus\"},\"Loading \\u2026\"),s=e(\"div\",{class:\"wide lines\"}),l=e" +
  "(\"div\",{}),r=re(\"Back\",()=>m(Math.max(0,a-1))),i=re(\"Next\",(" +
  ")=>m(a+c)),u=e(\"p\",{class:\"buttons\"},r,i),a=0,c=0,d=0,h=0,p=" +
  "({lines:w,from:T,total:x,since:A})=>{a=T,c=w.length;let I=T+" +
  "w.length;r.setAttribute(\"aria-disabled\",String(T===0)),i.set" +
  "Attribute(\"aria-disabled\",String(I>=x)),u.hidden=w.length===" +
  "x,E(o,`${y(Math.min(T+1,x))} to ${y(I)} of ${y(x)} operation" +
  "s, calls since `,M(A),\".\"),d++;let _=d,W=k(\"Operations and w" +
  "hat guards them\",ae,w.slice(0,F).map(le),\"No operation is li" +
  "ke that. Give consoleRoutes the option coverage, if there is" +
  " none at all.\");E(s,W);let G=W.querySelector(\"tbody\"),L=R=>{" +
  "R>=w.length||requestAnimationFrame(()=>{if(_!==d)return;let " +
  "ke=w.slice(R,R+F);G?.append(...ke.map(Le=>J(ae,le(Le)))),L(R" +
  "+F)})};L(F)},f=({unlisted:w,versions:T,versionCallers:x})=>{" +
  "E(l,e(\"div\",{class:\"columns\"},e(\"section\",{class:\"panel\"},e(" +
  "\"h2\",{},\"Called, and in no table (denied)\"),H(\"Unlisted oper" +
  "ations\",w,\"Nothing unlisted was called.\")),e(\"section\",{clas" +
  "s:\"panel\"},e(\"h2\",{},\"API versions, last day\"),se(T)),e(\"sec" +
  "tion\",{class:\"panel\"},e(\"h2\",{},\"Who calls which version, la" +
  "st day\"),ie(x))))},m=async w=>{h++;let T=h,x=new URLSearchPa" +
  "rams({from:String(w),find:t.value,show:n.value});try{let A=a" +
  "wait $(`coverage?${x}`);if(T!==h)return;p(A),f(A)}catch(A){T" +
  "===h&&(o.textContent=String(A))}},v=()=>{m(0)};return t.addE" +
  "ventListener(\"input\",v),n.addEventListener(\"change\",v),v(),{" +
  "root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Coverage\"),e(\"div\"" +
  ",{class:\"filters\",role:\"search\"},C(\"Operation\",t),C(\"Show\",n" +
  "),S(\"Refresh\",()=>m(a))),o,s,u,l),update:()=>{}}}function re" +
  "(t,n){let o=e(\"button\",{type:\"button\"},t);return o.addEventL" +
  "istener(\"click\",()=>{o.getAttribute(\"aria-disabled\")!==\"true" +
  "\"&&n()}),o}function le(t){let{operation:n,authentication:o,g" +
  "rant:s,limit:l,input:r,output:i,other:u}=t,{open:a,calls:c,d" +
  "enied:d}=t;return[e(\"span\",{},e(\"code\",{},n),\" \",e(\"small\",{" +
  "},t.table),t.shadow.length>0&&e(\"small\",{class:\"key act\"},`o" +
  "n trial: ${t.shadow.join(\", \")}`)),N(o),a?e(\"strong\",{class:" +
  "\"bad\"},`open: ${s.join(\", \")||\"no grant known\"}`):N(s),N(l)," +
  "N(r),N(i),N(u),c===0?e(\"small\",{},\"never\"):y(c),d===0?\"0\":e(" +
  "\"span\",{class:\"bad\"},y(d))]}function N(t){return t.join(\", \"" +
  ")||\"\\u2013\"}var $e=100,Oe=2;function ce(t,n){let o=e(\"input\"" +
  ",{type:\"search\",placeholder:\"code, operation, caller \\u2026\"" +
  "});t!==void 0&&(o.value=t);let s=e(\"select\",{},...[\"all\",\"de" +
  "nied\",\"failed\",\"succeeded\",\"acts\",\"on trial\"].map(g=>e(\"opti" +
  "on\",{value:g},g)));n!==void 0&&(s.value=n);let l=e(\"ol\",{cla" +
  "ss:\"events\",\"aria-label\":\"Newest decisions\"}),r=e(\"p\",{class" +
  ":\"told\",role:\"status\"}),i=!1,u=[],a=S(\"Pause\",()=>{i=!i,a.te" +
  "xtContent=i?\"Go on\":\"Pause\",a.setAttribute(\"aria-pressed\",St" +
  "ring(i)),i||m()}),c=new Map,d=()=>{let g=o.value.trim().toLo" +
  "werCase(),w=new Set(b.events.map(({id:L})=>L)),x=[...u.filte" +
  "r(({id:L})=>!w.has(L)),...b.events].filter(L=>He(L,s.value)&" +
  "&Ne(L,g)),A=x.slice(-$e).toReversed(),I=new Set(A.map(({id:L" +
  "})=>L));for(let L of c.keys())I.has(L)||c.delete(L);let _=Oe" +
  ",W=A.flatMap(L=>{let R=c.get(L.id)??(_-- >0?De(L):void 0);re" +
  "turn R===void 0?[]:(c.set(L.id,R),[R])});Re(l,W),_<0&&p();le" +
  "t G=b.left>0?` ${y(b.left)} came too fast to be sent.`:\"\";r." +
  "textContent=`${y(A.length)} of ${y(x.length)} shown.${G}`},h" +
  "=!1,p=()=>{h||(h=!0,requestAnimationFrame(()=>{h=!1,d()}))}," +
  "f=async g=>{let w=`decisions?request=${encodeURIComponent(g)" +
  "}`;u=await $(w).catch(()=>[]),d(),l.querySelector(\"details\")" +
  "?.setAttribute(\"open\",\"\")},m=()=>{!i&&!h&&d()};o.addEventLis" +
  "tener(\"input\",p),s.addEventListener(\"change\",d),t!==void 0&&" +
  "f(t);let v=e(\"section\",{},e(\"h1\",{tabindex:-1},\"Decisions\")," +
  "e(\"form\",{class:\"filters\",role:\"search\"},C(\"Filter\",o),C(\"Sh" +
  "ow\",s),a),r,l);return v.querySelector(\"form\")?.addEventListe" +
  "ner(\"submit\",g=>g.preventDefault()),{root:v,update:m}}functi" +
  "on Re(t,n){let o=new Set(n);for(let l of Array.from(t.childr" +
  "en))o.has(l)||l.remove();let s=t.firstElementChild;for(let l" +
  " of n)l===s?s=s.nextElementSibling:t.insertBefore(l,s)}funct" +
  "ion He(t,n){return n===\"all\"?!0:n===\"acts\"?t.kind===\"act\":n=" +
  "==\"on trial\"?t.wouldDeny!==void 0:t.kind===\"decision\"&&t.out" +
  "come===n}function Ne(t,n){if(n===\"\")return!0;let{operation:o" +
  ",code:s,policy:l,principal:r,peer:i,requestId:u,act:a,tenant" +
  ":c,client:d}=t;return[o,s,l,r,i,u,a,c,d].some(h=>h?.toLowerC" +
  "ase().includes(n)===!0)}function De(t){let{outcome:n,operati" +
  "on:o,code:s,policy:l,act:r,subject:i,principal:u,peer:a,kind" +
  ":c}=t,d=e(\"details\",{},e(\"summary\",{},M(t.time),e(\"span\",{cl" +
  "ass:`key ${c===\"act\"?\"act\":n}`},c===\"act\"?\"act\":n),e(\"span\"," +
  "{class:\"operation\"},r??o??\"unknown operation\"),e(\"code\",{},s" +
  "??\"\"),e(\"span\",{class:\"who\"},i??u??a??\"unknown caller\")));re" +
  "turn d.addEventListener(\"toggle\",()=>{d.open&&d.children.len" +
  "gth===1&&d.append(Pe(t,l))}),e(\"li\",{},d)}function Pe(t,n){l" +
  "et{requestId:o,trace:s=[],wouldDeny:l=[],degraded:r=[],targe" +
  "t:i,data:u}=t,a=[[\"Denied by\",n&&`${n}: ${t.code??\"\"} (${t.d" +
  "enialKind??\"\"})`],[\"Reason, for operators\",t.cause??t.reason" +
  "],[\"Would be denied by\",l.join(\", \")],[\"Degraded\",r.join(\", " +
  "\")],[\"Target\",i&&`${i.type} ${i.id}`],[\"Data\",u&&JSON.string" +
  "ify(u)],[\"Event\",`${t.event} (${t.severity})`],[\"Protocol\",[" +
  "t.protocol,t.status].filter(c=>c!==void 0).join(\" \")],[\"Prin" +
  "cipal\",t.principal],[\"Client\",t.client],[\"Tenant\",t.tenant]," +
  "[\"API key\",t.apiKey],[\"Peer\",t.peer],[\"Latency\",t.latencyMs=" +
  "==void 0?void 0:`${t.latencyMs} ms`],[\"Request\",o&&e(\"a\",{hr" +
  "ef:`#decisions?request=${encodeURIComponent(o)}`},o)],[\"Trac" +
  "e id\",t.traceId]];return e(\"div\",{class:\"full\"},e(\"dl\",{},.." +
  ".a.flatMap(([c,d])=>d===void 0||d===\"\"||d===!1?[]:[e(\"dt\",{}" +
  ",c),e(\"dd\",{},d)])),s.length>0&&e(\"h3\",{},\"Policies that ran" +
  "\"),s.length>0&&e(\"ol\",{class:\"trace\"},...s.map(c=>e(\"li\",{cl" +
  "ass:/: denied/.test(c)?\"bad\":void 0},c))))}function D(t,n,o," +
  "s){let l=e(\"p\",{class:\"bad\",role:\"alert\"}),r=e(\"button\",{typ" +
  "e:\"submit\",class:\"danger\"},o),i=e(\"button\",{type:\"button\"},\"" +
  "Cancel\"),u=e(\"form\",{},e(\"h2\",{id:\"dialog-title\"},t),...n,l," +
  "e(\"div\",{class:\"buttons\"},i,r)),a=ue(u),c=async()=>{r.disabl" +
  "ed=!0;try{await s(),a.close()}catch(d){l.textContent=d insta" +
  "nceof Error?d.message:String(d),r.disabled=!1}};i.addEventLi" +
  "stener(\"click\",()=>a.close()),u.addEventListener(\"submit\",d=" +
  ">{d.preventDefault(),c()})}function P(t,...n){let o=e(\"butto" +
  "n\",{type:\"button\"},\"Close\"),s=ue(e(\"div\",{},e(\"h2\",{id:\"dial" +
  "og-title\"},t),...n,o));o.addEventListener(\"click\",()=>s.clos" +
  "e())}function ue(t){let n=e(\"dialog\",{\"aria-labelledby\":\"dia" +
  "log-title\"},t),o=document.activeElement;return n.addEventLis" +
  "tener(\"close\",()=>{n.remove(),o instanceof HTMLElement&&o.fo" +
  "cus()}),document.body.append(n),n.showModal(),n}function V(t" +
  "){return t?\"\":\"It was done, but the audit trail did not take" +
  " it. Tell whoever keeps the trail.\"}function me(){let{keys:t" +
  ",sessions:n}=b.abilities;return{root:e(\"section\",{},e(\"h1\",{" +
  "tabindex:-1},\"Keys and sessions\"),t?Ve():e(\"p\",{class:\"empty" +
  "\"},\"Give consoleRoutes the option keys to see API keys.\"),n?" +
  "je():e(\"p\",{class:\"empty\"},\"Give consoleRoutes the option se" +
  "ssions to see sessions.\")),update:()=>{}}}function Ve(){let " +
  "t=e(\"input\",{name:\"tenant\",placeholder:\"of no tenant\"}),n=e(" +
  "\"div\",{class:\"wide\",\"aria-live\":\"polite\"}),o=[],s=async()=>{" +
  "try{let{keys:a,next:c}=await O(\"keys/list\",{tenant:t.value,a" +
  "fter:o.at(-1)});E(n,k(\"API keys\",[\"Name\",\"Id\",\"Owner\",\"Statu" +
  "s\",\"Age\",\"Last used\",\"Expires\",\"Acts\"],a.map(d=>l(d)),\"There" +
  " are no keys here.\"),c!==void 0&&S(\"Next\",()=>(o.push(c),s()" +
  ")))}catch(a){E(n,e(\"p\",{class:\"bad\"},a instanceof Error?a.me" +
  "ssage:String(a)))}},l=a=>{let{name:c,id:d,owner:h,status:p,c" +
  "reatedAt:f,lastUsedAt:m,expiresAt:v,previous:g}=a,w=p===\"rev" +
  "oked\",T=g!==void 0&&g.until>Date.now();return[c,e(\"code\",{}," +
  "d),`${h.type} ${h.id}`,e(\"span\",{class:w?\"bad\":void 0},p,T?\"" +
  ", old secret still good until \":\"\",T&&M(g.until)),qe(f),M(m)" +
  ",M(v),b.abilities.acts&&!w&&e(\"span\",{class:\"buttons\"},S(\"Ro" +
  "tate \\u2026\",()=>r(a),\"\",a.name),S(\"Revoke \\u2026\",()=>i(a)," +
  "\"danger\",a.name))]},r=({id:a,name:c,generation:d})=>{let h=e" +
  "(\"input\",{type:\"number\",min:0,max:720,step:1,value:24,requir" +
  "ed:!0});D(`Rotate the key \\u201C${c}\\u201D?`,[C(\"Hours for w" +
  "hich the old secret stays good\",h)],\"Rotate\",async()=>{let p" +
  "={id:a,generation:d,overlapHours:h.valueAsNumber},{key:f,rec" +
  "orded:m}=await O(\"keys/rotate\",p);await s(),P(\"The new key\"," +
  "\"It is shown once, here.\",e(\"code\",{class:\"secret\"},f),e(\"p\"" +
  ",{class:\"bad\"},V(m)))})},i=({id:a,name:c})=>{let d=e(\"input\"" +
  ",{maxlength:512,required:!0});D(`Revoke the key \\u201C${c}\\u" +
  "201D?`,[\"Nobody can undo this.\",C(\"Reason, for the audit tra" +
  "il\",d)],\"Revoke\",async()=>{let{recorded:h}=await O(\"keys/rev" +
  "oke\",{id:a,reason:d.value});await s(),h||P(\"Revoked\",V(h))})" +
  "},u=e(\"form\",{class:\"filters\"},C(\"Tenant\",t),e(\"button\",{},\"" +
  "List\"));return u.addEventListener(\"submit\",a=>{a.preventDefa" +
  "ult(),o=[],s()}),s(),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"" +
  "API keys\"),u,n)}function je(){let t=e(\"input\",{name:\"issuer\"" +
  ",required:!0}),n=e(\"input\",{name:\"subject\",required:!0}),o=e" +
  "(\"div\",{class:\"wide\",\"aria-live\":\"polite\"}),s=()=>({issuer:t" +
  ".value,subject:n.value}),l=async()=>{let u=s();try{let a=awa" +
  "it O(\"sessions/list\",u);E(o,k(\"Sessions\",[\"Client\",\"Began\",\"" +
  "Last seen\",\"Ends\",\"Acts\"],a.map(({handle:c,clientId:d,create" +
  "dAt:h,seenAt:p,expiresAt:f})=>[d,M(h),M(p),M(f),b.abilities." +
  "acts&&S(\"End \\u2026\",()=>r({...u,handle:c},\"this session\"),\"" +
  "danger\",c.slice(0,8))]),\"This user has no session.\"),a.lengt" +
  "h>1&&b.abilities.acts&&S(\"End all \\u2026\",()=>r({...u,all:!0" +
  "},\"all of them\"),\"danger\"))}catch(a){E(o,e(\"p\",{class:\"bad\"}" +
  ",a instanceof Error?a.message:String(a)))}},r=(u,a)=>D(`End " +
  "${a}?`,[\"The user has to sign in again.\"],\"End\",async()=>{le" +
  "t{recorded:c}=await O(\"sessions/end\",u);await l(),c||P(\"Ende" +
  "d\",V(c))}),i=e(\"form\",{class:\"filters\"},C(\"Issuer\",t),C(\"Sub" +
  "ject\",n),e(\"button\",{},\"List\"));return i.addEventListener(\"s" +
  "ubmit\",u=>{u.preventDefault(),l()}),e(\"section\",{class:\"pane" +
  "l\"},e(\"h2\",{},\"Sessions of a user\"),i,o)}function qe(t){let " +
  "n=Math.floor((Date.now()-t)/864e5);return e(\"span\",{class:n>" +
  "365?\"bad\":void 0},n===0?\"today\":`${n} days`)}function pe(){l" +
  "et t=e(\"div\",{}),n=e(\"div\",{}),o=e(\"div\",{\"aria-live\":\"polit" +
  "e\"}),s=e(\"p\",{class:\"bad\",role:\"alert\"}),l=e(\"select\",{name:" +
  "\"limit\"}),r=e(\"input\",{name:\"key\",required:!0}),i=e(\"input\"," +
  "{name:\"tenant\"}),u=async p=>{s.textContent=\"\";let f={limit:l" +
  ".value,...p},m=p.alias??p.key??\"\";try{let v=await O(\"limits/" +
  "read\",f);E(o,e(\"h3\",{},`${f.limit}: ${m}`),k(\"What is left\"," +
  "[\"Kind\",\"Left\",\"Of\",\"\",\"Full again in\"],v.map(g=>[g.algorith" +
  "m,y(Math.floor(g.remaining)),y(g.capacity),e(\"meter\",{min:0," +
  "max:g.capacity,low:g.capacity*.2,value:g.remaining,\"aria-hid" +
  "den\":\"true\"}),`${y(Math.ceil(g.resetAfterMs/1e3))} s`]),\"Thi" +
  "s limit counts nothing.\"),b.abilities.acts&&S(\"Reset \\u2026\"" +
  ",()=>a(f,m),\"danger\"))}catch(v){s.textContent=v instanceof E" +
  "rror?v.message:String(v)}},a=(p,f)=>D(`Reset the limit of ${" +
  "f}?`,[\"What was used is forgotten.\"],\"Reset\",async()=>{let{r" +
  "ecorded:m}=await O(\"limits/reset\",p);m||P(\"Reset\",V(m)),awai" +
  "t u(p)}),c=async()=>{try{let p=await $(\"limits\"),f=l.value;E" +
  "(l,...p.limits.map(m=>e(\"option\",{},m))),p.limits.includes(f" +
  ")&&(l.value=f),E(t,k(\"Callers who call most\",[\"Caller\",\"Call" +
  "s\",\"Denied\",\"\"],p.hottest.map(({alias:m,calls:v,denied:g})=>" +
  "[e(\"code\",{},m),y(v),g>0?e(\"span\",{class:\"bad\"},y(g)):\"0\",p." +
  "limits.length>0&&S(\"Look\",()=>u({alias:m}),\"\",m)]),\"Nobody c" +
  "alled in the last minutes.\")),E(n,k(\"Limits that would fit\"," +
  "[\"Operation\",\"Calls of a caller in a minute\",\"Learned from\"]" +
  ",p.suggested.map(({operation:m,perMinute:v,observations:g})=" +
  ">[e(\"code\",{},m),y(v),`${y(g)} caller-minutes`]),\"Nothing wa" +
  "s learned yet: give consoleRoutes the option usage, and it s" +
  "ome minutes.\"))}catch(p){s.textContent=String(p)}};c();let d" +
  "=e(\"form\",{class:\"filters\"},C(\"Limit\",l),C(\"Caller, as the l" +
  "imit counts it\",r),C(\"Tenant\",i),e(\"button\",{},\"Look\"));retu" +
  "rn d.addEventListener(\"submit\",p=>{p.preventDefault(),u({key" +
  ":r.value,...i.value!==\"\"&&{tenant:i.value}})}),{root:e(\"sect" +
  "ion\",{},e(\"h1\",{tabindex:-1},\"Limits\"),e(\"div\",{class:\"colum" +
  "ns\"},e(\"section\",{class:\"panel\"},e(\"h2\",{},\"Hottest callers," +
  " last minutes\"),t,e(\"p\",{class:\"buttons\"},S(\"Refresh\",c))),e" +
  "(\"section\",{class:\"panel\"},e(\"h2\",{},\"What is left to a call" +
  "er\"),b.abilities.limits?d:e(\"p\",{class:\"empty\"},\"Give consol" +
  "eRoutes the option limits.\"),s,o),e(\"section\",{class:\"panel\"" +
  "},e(\"h2\",{},\"Suggested limits\"),n))),update:()=>{}}}var U=12" +
  "0,Y=120,q=[\"succeeded\",\"denied\",\"failed\",\"aborted\"];function" +
  " ye(){let t=e(\"dl\",{class:\"tiles\"}),n=e(\"figure\",{}),o=e(\"di" +
  "v\",{}),s=e(\"div\",{});return{root:e(\"section\",{},e(\"h1\",{tabi" +
  "ndex:-1},\"Now\"),t,n,e(\"div\",{class:\"columns\"},fe(\"Denials by" +
  " code, last minutes\",o),fe(\"Health\",s))),update:()=>{let{lat" +
  "est:i}=b;if(i===void 0)return;let u=Math.floor(i.now/1e3),a=" +
  "Array.from({length:U},(f,m)=>{let[,...v]=b.seconds.get(u-U+m" +
  ")??[0,0,0,0,0];return v}),c=q.map((f,m)=>a.reduce((v,g)=>v+(" +
  "g[m]??0),0)),h=a.slice(-10).flat().reduce((f,m)=>f+m,0)/10;t" +
  ".replaceChildren(...he(\"Decisions a second\",h<10?h.toFixed(1" +
  "):y(Math.round(h))),...q.flatMap((f,m)=>he(`${f}, 2 min`,y(c" +
  "[m]??0),f))),n.replaceChildren(Ie(a,c),e(\"figcaption\",{},\"Th" +
  "e last two minutes. \",...q.flatMap(f=>[e(\"span\",{class:`key " +
  "${f}`},f),\" \"]))),o.replaceChildren(H(\"Codes\",i.codes,\"Nothi" +
  "ng was denied.\"));let p=i.sinks.filter(({healthy:f,lost:m})=" +
  ">!f||m>0);E(s,i.degraded.length>0&&e(\"h3\",{},\"Unavailable or" +
  " degraded, last minutes\"),p.length===0&&i.degraded.length===" +
  "0?e(\"p\",{class:\"good\"},\"\\u2713 No store or sink is degraded." +
  "\"):H(\"Degraded\",i.degraded,\"No decision is degraded.\"),e(\"h3" +
  "\",{},\"Sinks of the audit trail\"),k(\"Sinks of the audit trail" +
  "\",[\"Sink\",\"State\",\"Waiting\",\"Lost\"],i.sinks.map(({name:f,hea" +
  "lthy:m,queued:v,lost:g})=>[f,m?\"ok\":e(\"strong\",{class:\"bad\"}" +
  ",\"failing\"),y(v),g>0?e(\"strong\",{class:\"bad\"},y(g)):\"0\"]),\"T" +
  "here are no sinks.\"),i.shadow.length>0&&e(\"h3\",{},\"Policies " +
  "on trial would have denied, last day\"),i.shadow.length>0&&H(" +
  "\"Shadow\",i.shadow,\"\"))}}}function fe(t,n){return e(\"section\"" +
  ",{class:\"panel\"},e(\"h2\",{},t),n)}function he(t,n,o=\"\"){retur" +
  "n[e(\"div\",{class:`tile ${o}`},e(\"dt\",{},t),e(\"dd\",{},n))]}fu" +
  "nction Ie(t,n){let o=Math.max(1,...t.map(i=>i.reduce((u,a)=>" +
  "u+a,0))),s=i=>(Y-i/o*Y).toFixed(1),l=q.map((i,u)=>{let a=d=>" +
  "d.slice(0,u).reduce((h,p)=>h+p,0),c=t.map((d,h)=>{let[p,f]=[" +
  "a(d),d[u]??0];return f===0?\"\":`M${h} ${s(p)}V${s(p+f)}h.85V$" +
  "{s(p)}z`});return K(\"path\",{class:i,d:c.join(\"\")})}),r=q.map" +
  "((i,u)=>`${n[u]} ${i}`).join(\", \");return K(\"svg\",{class:\"ch" +
  "art\",viewBox:`0 0 ${U} ${Y}`,preserveAspectRatio:\"none\",role" +
  ":\"img\",\"aria-label\":`Decisions in each of the last ${U} seco" +
  "nds: ${r}; at most ${o} in one second.`},...l)}function ge()" +
  "{let t=e(\"p\",{class:\"told\",role:\"status\"},\"Loading \\u2026\")," +
  "n=e(\"div\",{class:\"wide\"}),o=e(\"div\",{class:\"wide\"}),s=async(" +
  ")=>{try{let r=await $(\"shadow\"),i=r.trials.reduce((u,a)=>u+a" +
  ".admitted,0);t.textContent=`Calls of the last day that were " +
  "let in, and that policies on trial would have denied: ${y(i)" +
  "}.`,E(n,k(\"What policies on trial would have denied\",[\"Opera" +
  "tion\",\"Policy\",\"Code\",\"Would be denied\",\"Of them let in\"],r." +
  "trials.map(({operation:u,policy:a,code:c,would:d,admitted:h}" +
  ")=>[e(\"code\",{},u),a,e(\"code\",{},c),y(d),h>0?e(\"strong\",{cla" +
  "ss:\"bad\"},y(h)):\"0\"]),\"No policy on trial would have denied " +
  "a call.\")),E(o,k(\"Policies on trial that would have denied n" +
  "othing\",[\"Operation\",\"Policy\",\"Calls since the feed began\"]," +
  "r.silent.map(({operation:u,table:a,policy:c,calls:d})=>[e(\"s" +
  "pan\",{},e(\"code\",{},u),\" \",e(\"small\",{},a)),c,d===0?e(\"small" +
  "\",{},\"never called\"):y(d)]),\"There is none, or consoleRoutes" +
  " has no tables.\"))}catch(r){t.textContent=r instanceof Error" +
  "?r.message:String(r)}};return s(),{root:e(\"section\",{},e(\"h1" +
  "\",{tabindex:-1},\"Shadow\"),t,e(\"section\",{class:\"panel\"},e(\"h" +
  "2\",{},\"Would have been denied, last day\"),n),e(\"section\",{cl" +
  "ass:\"panel\"},e(\"h2\",{},\"On trial, and denied nothing\"),o),e(" +
  "\"p\",{},S(\"Refresh\",s),\" \",e(\"a\",{href:\"#decisions?kind=on%20" +
  "trial\"},\"The calls\"))),update:()=>{}}}var te={now:{title:\"No" +
  "w\",make:ye},coverage:{title:\"Coverage\",make:de},decisions:{t" +
  "itle:\"Decisions\",make:ce},limits:{title:\"Limits\",make:pe},sh" +
  "adow:{title:\"Shadow\",make:ge},keys:{title:\"Keys and sessions" +
  "\",make:me}},be=document.querySelector(\"main\"),we=document.qu" +
  "erySelector(\"nav\"),Z=document.querySelector(\"#status\"),j,ee=" +
  "!1;function Ee(){let[t=\"\",n=\"\"]=location.hash.slice(1).split" +
  "(\"?\");if(t===\"main\")return be.focus();let o=Object.hasOwn(te" +
  ",t)?t:\"now\",s=te[o];if(s===void 0)return;let l=j!==void 0,r=" +
  "new URLSearchParams(n);j=s.make(r.get(\"request\")??void 0,r.g" +
  "et(\"kind\")??void 0),j.update(),be.replaceChildren(j.root),do" +
  "cument.title=`${s.title} \\xB7 apisec console`;for(let i of w" +
  "e.querySelectorAll(\"a\"))i.hash===`#${o}`?i.setAttribute(\"ari" +
  "a-current\",\"page\"):i.removeAttribute(\"aria-current\");l&&j.ro" +
  "ot.querySelector(\"h1\")?.focus()}function _e(){ee||(ee=!0,req" +
  "uestAnimationFrame(()=>{ee=!1,j?.update()}))}var ve={live:\"L" +
  "ive\",reconnecting:\"Reconnecting \\u2026\",denied:\"Not connecte" +
  "d: signed out, or too many pages are open. Reload to sign in" +
  ".\"};function We(t){Z.textContent!==ve[t]&&(Z.textContent=ve[" +
  "t],Z.className=t)}we.append(...Object.entries(te).map(([t,{t" +
  "itle:n}])=>e(\"a\",{href:`#${t}`},n)));addEventListener(\"hashc" +
  "hange\",Ee);b.abilities=await $(\"abilities\").catch(()=>b.abil" +
  "ities);Ee();Q(_e,We);\n";
