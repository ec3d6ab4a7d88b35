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
  "idth:24%}.lines th:nth-child(2),.lines th:nth-child(3),.line" +
  "s th:nth-child(4){width:14%}.lines th:nth-last-child(-n+2){w" +
  "idth:6%}code,.operation,.who,dd{overflow-wrap:anywhere}td{ov" +
  "erflow-wrap:break-word}td time,td small{white-space:nowrap}m" +
  "eter{width:100px;height:12px}code{font:13px/1.4 ui-monospace" +
  ",monospace}.hidden{position:absolute;clip-path:inset(50%);wi" +
  "dth:1px;height:1px;overflow:hidden;white-space:nowrap}.empty" +
  ",.told{color:var(--soft)}.filters{display:flex;flex-wrap:wra" +
  "p;gap:10px;align-items:end;margin-bottom:10px}.field{display" +
  ":grid;gap:2px;color:var(--soft);font-size:13px}input,select," +
  "button{font:inherit;color:inherit;background:var(--paper);bo" +
  "rder:1px solid var(--soft);border-radius:6px;padding:6px 10p" +
  "x;min-height:36px;max-width:100%}input{color:var(--ink)}butt" +
  "on{cursor:pointer}button:hover{border-color:var(--link)}butt" +
  "on.danger{color:var(--denied);border-color:var(--denied)}but" +
  "ton:disabled,button[aria-disabled=true]{opacity:.5;cursor:de" +
  "fault}.events{list-style:none;margin:0;padding:0;display:gri" +
  "d;gap:4px}.events>li{content-visibility:auto;contain-intrins" +
  "ic-height:auto 40px;min-width:0}.events summary{display:grid" +
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
  "rn ie(s,n),s.append(...Q(o)),s}var Ce=\"http://www.w3.org/200" +
  "0/svg\";function z(t,n,...o){let s=document.createElementNS(C" +
  "e,t);return ie(s,n),s.append(...Q(o)),s}function w(t,...n){t" +
  ".replaceChildren(...Q(n))}function ie(t,n){for(let[o,s]of Ob" +
  "ject.entries(n))s!==void 0&&s!==!1&&t.setAttribute(o,s===!0?" +
  "\"\":String(s))}function Q(t){return t.flatMap(n=>n===void 0||" +
  "n===!1?[]:[typeof n==\"number\"?`${n}`:n])}function k(t,n,o,s)" +
  "{if(o.length===0)return e(\"p\",{class:\"empty\"},s);let c=e(\"tr" +
  "\",{},...n.map(r=>e(\"th\",{scope:\"col\"},r))),l=o.map(r=>X(n,r)" +
  ");return e(\"div\",{class:\"scroll\",tabindex:0,role:\"region\",\"a" +
  "ria-label\":t},e(\"table\",{},e(\"caption\",{class:\"hidden\"},t),e" +
  "(\"thead\",{},c),e(\"tbody\",{},...l)))}function X(t,n){return e" +
  "(\"tr\",{},...n.map((o,s)=>e(\"td\",{\"data-head\":t[s]},o)))}func" +
  "tion L(t,n,o=\"\"){let s=e(\"button\",{type:\"button\",class:o},t)" +
  ",c=async()=>{s.disabled=!0;try{await n()}finally{s.disabled=" +
  "!1}};return s.addEventListener(\"click\",()=>{c()}),s}function" +
  " S(t,n){return e(\"label\",{class:\"field\"},e(\"span\",{},t),n)}v" +
  "ar Te=new Intl.NumberFormat(\"en\"),g=t=>Te.format(t),Me=new I" +
  "ntl.DateTimeFormat(\"en-GB\",{timeStyle:\"medium\"}),xe=new Intl" +
  ".DateTimeFormat(\"en-GB\",{dateStyle:\"medium\",timeStyle:\"short" +
  "\"});function T(t){if(t===void 0||!Number.isFinite(t))return\"" +
  "\\u2013\";let n=new Date(t),o=Math.abs(Date.now()-t)<432e5;ret" +
  "urn e(\"time\",{datetime:n.toISOString()},(o?Me:xe).format(n))" +
  "}function R(t,n,o){let s=n[0]?.[1]??1;return k(t,[\"Name\",\"Co" +
  "unt\",\"\"],n.map(([c,l])=>[e(\"code\",{},c),g(l),e(\"meter\",{min:" +
  "0,max:s,value:l,\"aria-hidden\":\"true\"})]),o)}var b={abilities" +
  ":{acts:!1,limits:!1,keys:!1,sessions:!1},latest:void 0,secon" +
  "ds:new Map,events:[],left:0};function Ae(t){\"since\"in t?(b.s" +
  "econds.clear(),b.left=0):b.left+=t.left;let o=new Set(b.even" +
  "ts.map(({id:l})=>l)),s=t.events.filter(({id:l})=>!o.has(l));" +
  "s.length>0&&(b.events=[...b.events,...s].slice(-1e3));for(le" +
  "t l of t.seconds)b.seconds.set(l[0],l);let c=Math.floor(t.no" +
  "w/1e3)-300;for(let l of b.seconds.keys())l<c&&b.seconds.dele" +
  "te(l);b.latest={since:b.latest?.since??t.now,...t}}var Y=new" +
  " URL(\".\",location.href);async function M(t){let n=await fetc" +
  "h(new URL(t,Y));if(!n.ok)throw new Error(await ae(n));return" +
  " await n.json()}async function A(t,n){let o=await fetch(new " +
  "URL(t,Y),{method:\"POST\",headers:{\"content-type\":\"application" +
  "/json\"},body:JSON.stringify(n)});if(!o.ok)throw new Error(aw" +
  "ait ae(o));return await o.json()}async function ae(t){let n=" +
  "await t.json().catch(()=>({}));return`${typeof n.detail==\"st" +
  "ring\"?n.detail:\"That did not work.\"} (${t.status}${typeof n." +
  "code==\"string\"?`, ${n.code}`:\"\"})`}function Z(t,n){let o=new" +
  " EventSource(new URL(\"events\",Y)),s=c=>{Ae(JSON.parse(c.data" +
  ")),n(\"live\"),t()};o.addEventListener(\"snapshot\",s),o.addEven" +
  "tListener(\"tick\",s),o.addEventListener(\"error\",()=>{if(o.rea" +
  "dyState!==EventSource.CLOSED)return n(\"reconnecting\");n(\"den" +
  "ied\"),setTimeout(()=>Z(t,n),1e4)})}var N=40,W=5,re=[\"Operati" +
  "on\",\"Authentication\",\"Grant\",\"Limit\",\"Input\",\"Output\",\"Other" +
  "\",\"Calls\",\"Denied\"],le={all:()=>!0,\"open to everyone\":({open" +
  ":t})=>t,\"without a limit\":({limit:t})=>t.length===0,\"without" +
  " input check\":({input:t})=>t.length===0,\"never called\":({cal" +
  "ls:t})=>t===0,\"with a policy on trial\":({shadow:t})=>t.lengt" +
  "h>0};function ue(){let t=e(\"input\",{type:\"search\"}),n=e(\"sel" +
  "ect\",{},...Object.keys(le).map(C=>e(\"option\",{},C))),o=e(\"p\"" +
  ",{class:\"told\",role:\"status\"},\"Loading \\u2026\"),s=e(\"div\",{c" +
  "lass:\"wide lines\"}),c=e(\"div\",{}),l=de(\"Back\",()=>v(-N)),r=d" +
  "e(\"Next\",()=>v(N)),u=e(\"p\",{class:\"buttons\"},l,r),i,d=[],a=0" +
  ",y=0,m=()=>{if(i===void 0)return;let C=t.value.trim().toLowe" +
  "rCase(),F=le[n.value]??(()=>!0),x=i.lines.filter((H,J)=>F(H)" +
  "&&(d[J]??\"\").includes(C)),O=x.slice(a,a+N);l.setAttribute(\"a" +
  "ria-disabled\",String(a===0)),r.setAttribute(\"aria-disabled\"," +
  "String(a+N>=x.length)),u.hidden=O.length===x.length;let[G,U]" +
  "=[Math.min(a+1,x.length),a+O.length];w(o,`${g(G)} to ${g(U)}" +
  " of ${g(x.length)} operations, calls since `,T(i.since),\".\")" +
  ",y++;let B=y,E=k(\"Operations and what guards them\",re,O.slic" +
  "e(0,W).map(ce),\"No operation is like that. Give consoleRoute" +
  "s the option coverage, if there is none at all.\");w(s,E);let" +
  " q=E.querySelector(\"tbody\"),se=H=>{H>=O.length||requestAnima" +
  "tionFrame(()=>{if(B!==y)return;let J=O.slice(H,H+W);q?.appen" +
  "d(...J.map(Se=>X(re,ce(Se)))),se(H+W)})};se(W)},p=()=>{i!==v" +
  "oid 0&&w(c,e(\"div\",{class:\"columns\"},e(\"section\",{class:\"pan" +
  "el\"},e(\"h2\",{},\"Called, and in no table (denied)\"),R(\"Unlist" +
  "ed operations\",i.unlisted,\"Nothing unlisted was called.\")),e" +
  "(\"section\",{class:\"panel\"},e(\"h2\",{},\"API versions in use, l" +
  "ast day\"),R(\"Versions\",i.versions,\"No call named a version.\"" +
  "))))},f=async()=>{try{i=await M(\"coverage\"),d=i.lines.map(C=" +
  ">`${C.table} ${C.operation}`.toLowerCase()),a=Math.min(a,Mat" +
  "h.floor(Math.max(0,d.length-1)/N)*N),m(),p()}catch(C){o.text" +
  "Content=String(C)}},v=C=>{a+=C,m()},h=()=>{a=0,m()};return t" +
  ".addEventListener(\"input\",h),n.addEventListener(\"change\",h)," +
  "f(),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Coverage\"),e(" +
  "\"div\",{class:\"filters\",role:\"search\"},S(\"Operation\",t),S(\"Sh" +
  "ow\",n),L(\"Refresh\",f)),o,s,u,c),update:()=>{}}}function de(t" +
  ",n){let o=e(\"button\",{type:\"button\"},t);return o.addEventLis" +
  "tener(\"click\",()=>{o.getAttribute(\"aria-disabled\")!==\"true\"&" +
  "&n()}),o}function ce(t){let{operation:n,authentication:o,gra" +
  "nt:s,limit:c,input:l,output:r,other:u}=t,{open:i,calls:d,den" +
  "ied:a}=t;return[e(\"span\",{},e(\"code\",{},n),\" \",e(\"small\",{}," +
  "t.table),t.shadow.length>0&&e(\"small\",{class:\"key act\"},`on " +
  "trial: ${t.shadow.join(\", \")}`)),D(o),i?e(\"strong\",{class:\"b" +
  "ad\"},`open: ${s.join(\", \")||\"no grant known\"}`):D(s),D(c),D(" +
  "l),D(r),D(u),d===0?e(\"small\",{},\"never\"):g(d),a===0?\"0\":e(\"s" +
  "pan\",{class:\"bad\"},g(a))]}function D(t){return t.join(\", \")|" +
  "|\"\\u2013\"}var $e=100,Oe=4;function me(t,n){let o=e(\"input\",{" +
  "type:\"search\",placeholder:\"code, operation, caller \\u2026\"})" +
  ";t!==void 0&&(o.value=t);let s=e(\"select\",{},...[\"all\",\"deni" +
  "ed\",\"failed\",\"succeeded\",\"acts\",\"on trial\"].map(h=>e(\"option" +
  "\",{value:h},h)));n!==void 0&&(s.value=n);let c=e(\"ol\",{class" +
  ":\"events\",\"aria-label\":\"Newest decisions\"}),l=e(\"p\",{class:\"" +
  "told\",role:\"status\"}),r=!1,u=[],i=L(\"Pause\",()=>{r=!r,i.text" +
  "Content=r?\"Go on\":\"Pause\",i.setAttribute(\"aria-pressed\",Stri" +
  "ng(r)),r||f()}),d=new Map,a=()=>{let h=o.value.trim().toLowe" +
  "rCase(),$=new Set(b.events.map(({id:E})=>E)),F=[...u.filter(" +
  "({id:E})=>!$.has(E)),...b.events].filter(E=>He(E,s.value)&&N" +
  "e(E,h)),x=F.slice(-$e).toReversed(),O=new Set(x.map(({id:E})" +
  "=>E));for(let E of d.keys())O.has(E)||d.delete(E);let G=Oe,U" +
  "=x.flatMap(E=>{let q=d.get(E.id)??(G-- >0?De(E):void 0);retu" +
  "rn q===void 0?[]:(d.set(E.id,q),[q])});Re(c,U),G<0&&m();let " +
  "B=b.left>0?` ${g(b.left)} came too fast to be sent.`:\"\";l.te" +
  "xtContent=`${g(x.length)} of ${g(F.length)} shown.${B}`},y=!" +
  "1,m=()=>{y||(y=!0,requestAnimationFrame(()=>{y=!1,a()}))},p=" +
  "async h=>{let $=`decisions?request=${encodeURIComponent(h)}`" +
  ";u=await M($).catch(()=>[]),a(),c.querySelector(\"details\")?." +
  "setAttribute(\"open\",\"\")},f=()=>{r||a()};o.addEventListener(\"" +
  "input\",m),s.addEventListener(\"change\",a),t!==void 0&&p(t);le" +
  "t v=e(\"section\",{},e(\"h1\",{tabindex:-1},\"Decisions\"),e(\"form" +
  "\",{class:\"filters\",role:\"search\"},S(\"Filter\",o),S(\"Show\",s)," +
  "i),l,c);return v.querySelector(\"form\")?.addEventListener(\"su" +
  "bmit\",h=>h.preventDefault()),{root:v,update:f}}function Re(t" +
  ",n){let o=new Set(n);for(let c of Array.from(t.children))o.h" +
  "as(c)||c.remove();let s=t.firstElementChild;for(let c of n)c" +
  "===s?s=s.nextElementSibling:t.insertBefore(c,s)}function He(" +
  "t,n){return n===\"all\"?!0:n===\"acts\"?t.kind===\"act\":n===\"on t" +
  "rial\"?t.wouldDeny!==void 0:t.kind===\"decision\"&&t.outcome===" +
  "n}function Ne(t,n){if(n===\"\")return!0;let{operation:o,code:s" +
  ",policy:c,principal:l,peer:r,requestId:u,act:i,tenant:d,clie" +
  "nt:a}=t;return[o,s,c,l,r,u,i,d,a].some(y=>y?.toLowerCase().i" +
  "ncludes(n)===!0)}function De(t){let{outcome:n,operation:o,co" +
  "de:s,policy:c,act:l,subject:r,principal:u,peer:i,kind:d}=t,a" +
  "=e(\"details\",{},e(\"summary\",{},T(t.time),e(\"span\",{class:`ke" +
  "y ${d===\"act\"?\"act\":n}`},d===\"act\"?\"act\":n),e(\"span\",{class:" +
  "\"operation\"},l??o??\"unknown operation\"),e(\"code\",{},s??\"\"),e" +
  "(\"span\",{class:\"who\"},r??u??i??\"unknown caller\")));return a." +
  "addEventListener(\"toggle\",()=>{a.open&&a.children.length===1" +
  "&&a.append(Pe(t,c))}),e(\"li\",{},a)}function Pe(t,n){let{requ" +
  "estId:o,trace:s=[],wouldDeny:c=[],degraded:l=[],target:r,dat" +
  "a:u}=t,i=[[\"Denied by\",n&&`${n}: ${t.code??\"\"} (${t.denialKi" +
  "nd??\"\"})`],[\"Reason, for operators\",t.cause??t.reason],[\"Wou" +
  "ld be denied by\",c.join(\", \")],[\"Degraded\",l.join(\", \")],[\"T" +
  "arget\",r&&`${r.type} ${r.id}`],[\"Data\",u&&JSON.stringify(u)]" +
  ",[\"Event\",`${t.event} (${t.severity})`],[\"Protocol\",[t.proto" +
  "col,t.status].filter(d=>d!==void 0).join(\" \")],[\"Principal\"," +
  "t.principal],[\"Client\",t.client],[\"Tenant\",t.tenant],[\"API k" +
  "ey\",t.apiKey],[\"Peer\",t.peer],[\"Latency\",t.latencyMs===void " +
  "0?void 0:`${t.latencyMs} ms`],[\"Request\",o&&e(\"a\",{href:`#de" +
  "cisions?request=${encodeURIComponent(o)}`},o)],[\"Trace id\",t" +
  ".traceId]];return e(\"div\",{class:\"full\"},e(\"dl\",{},...i.flat" +
  "Map(([d,a])=>a===void 0||a===\"\"||a===!1?[]:[e(\"dt\",{},d),e(\"" +
  "dd\",{},a)])),s.length>0&&e(\"h3\",{},\"Policies that ran\"),s.le" +
  "ngth>0&&e(\"ol\",{class:\"trace\"},...s.map(d=>e(\"li\",{class:/: " +
  "denied/.test(d)?\"bad\":void 0},d))))}function P(t,n,o,s){let " +
  "c=e(\"p\",{class:\"bad\",role:\"alert\"}),l=e(\"button\",{type:\"subm" +
  "it\",class:\"danger\"},o),r=e(\"button\",{type:\"button\"},\"Cancel\"" +
  "),u=e(\"form\",{},e(\"h2\",{id:\"dialog-title\"},t),...n,c,e(\"div\"" +
  ",{class:\"buttons\"},r,l)),i=pe(u),d=async()=>{l.disabled=!0;t" +
  "ry{await s(),i.close()}catch(a){c.textContent=a instanceof E" +
  "rror?a.message:String(a),l.disabled=!1}};r.addEventListener(" +
  "\"click\",()=>i.close()),u.addEventListener(\"submit\",a=>{a.pre" +
  "ventDefault(),d()})}function j(t,...n){let o=e(\"button\",{typ" +
  "e:\"button\"},\"Close\"),s=pe(e(\"div\",{},e(\"h2\",{id:\"dialog-titl" +
  "e\"},t),...n,o));o.addEventListener(\"click\",()=>s.close())}fu" +
  "nction pe(t){let n=e(\"dialog\",{\"aria-labelledby\":\"dialog-tit" +
  "le\"},t),o=document.activeElement;return n.addEventListener(\"" +
  "close\",()=>{n.remove(),o instanceof HTMLElement&&o.focus()})" +
  ",document.body.append(n),n.showModal(),n}function V(t){retur" +
  "n t?\"\":\"It was done, but the audit trail did not take it. Te" +
  "ll whoever keeps the trail.\"}function fe(){let{keys:t,sessio" +
  "ns:n}=b.abilities;return{root:e(\"section\",{},e(\"h1\",{tabinde" +
  "x:-1},\"Keys and sessions\"),t?je():e(\"p\",{class:\"empty\"},\"Giv" +
  "e consoleRoutes the option keys to see API keys.\"),n?Ve():e(" +
  "\"p\",{class:\"empty\"},\"Give consoleRoutes the option sessions " +
  "to see sessions.\")),update:()=>{}}}function je(){let t=e(\"in" +
  "put\",{name:\"tenant\",placeholder:\"of no tenant\"}),n=e(\"div\",{" +
  "class:\"wide\",\"aria-live\":\"polite\"}),o=[],s=async()=>{try{let" +
  "{keys:i,next:d}=await A(\"keys/list\",{tenant:t.value,after:o." +
  "at(-1)});w(n,k(\"API keys\",[\"Name\",\"Id\",\"Owner\",\"Status\",\"Age" +
  "\",\"Last used\",\"Expires\",\"Acts\"],i.map(a=>c(a)),\"There are no" +
  " keys here.\"),d!==void 0&&L(\"Next\",()=>(o.push(d),s())))}cat" +
  "ch(i){w(n,e(\"p\",{class:\"bad\"},i instanceof Error?i.message:S" +
  "tring(i)))}},c=i=>{let{name:d,id:a,owner:y,status:m,createdA" +
  "t:p,lastUsedAt:f,expiresAt:v,previous:h}=i,$=m===\"revoked\",C" +
  "=h!==void 0&&h.until>Date.now();return[d,e(\"code\",{},a),`${y" +
  ".type} ${y.id}`,e(\"span\",{class:$?\"bad\":void 0},m,C?\", old s" +
  "ecret still good until \":\"\",C&&T(h.until)),Ie(p),T(f),T(v),b" +
  ".abilities.acts&&!$&&e(\"span\",{class:\"buttons\"},L(\"Rotate \\u" +
  "2026\",()=>l(i)),L(\"Revoke \\u2026\",()=>r(i),\"danger\"))]},l=({" +
  "id:i,name:d,generation:a})=>{let y=e(\"input\",{type:\"number\"," +
  "min:0,max:720,step:1,value:24,required:!0});P(`Rotate the ke" +
  "y \\u201C${d}\\u201D?`,[S(\"Hours for which the old secret stay" +
  "s good\",y)],\"Rotate\",async()=>{let m={id:i,generation:a,over" +
  "lapHours:y.valueAsNumber},{key:p,recorded:f}=await A(\"keys/r" +
  "otate\",m);await s(),j(\"The new key\",\"It is shown once, here." +
  "\",e(\"code\",{class:\"secret\"},p),e(\"p\",{class:\"bad\"},V(f)))})}" +
  ",r=({id:i,name:d})=>{let a=e(\"input\",{maxlength:512,required" +
  ":!0});P(`Revoke the key \\u201C${d}\\u201D?`,[\"Nobody can undo" +
  " this.\",S(\"Reason, for the audit trail\",a)],\"Revoke\",async()" +
  "=>{let{recorded:y}=await A(\"keys/revoke\",{id:i,reason:a.valu" +
  "e});await s(),y||j(\"Revoked\",V(y))})},u=e(\"form\",{class:\"fil" +
  "ters\"},S(\"Tenant\",t),e(\"button\",{},\"List\"));return u.addEven" +
  "tListener(\"submit\",i=>{i.preventDefault(),o=[],s()}),s(),e(\"" +
  "section\",{class:\"panel\"},e(\"h2\",{},\"API keys\"),u,n)}function" +
  " Ve(){let t=e(\"input\",{name:\"issuer\",required:!0}),n=e(\"inpu" +
  "t\",{name:\"subject\",required:!0}),o=e(\"div\",{class:\"wide\",\"ar" +
  "ia-live\":\"polite\"}),s=()=>({issuer:t.value,subject:n.value})" +
  ",c=async()=>{let u=s();try{let i=await A(\"sessions/list\",u);" +
  "w(o,k(\"Sessions\",[\"Client\",\"Began\",\"Last seen\",\"Ends\",\"Acts\"" +
  "],i.map(({handle:d,clientId:a,createdAt:y,seenAt:m,expiresAt" +
  ":p})=>[a,T(y),T(m),T(p),b.abilities.acts&&L(\"End \\u2026\",()=" +
  ">l({...u,handle:d},\"this session\"),\"danger\")]),\"This user ha" +
  "s no session.\"),i.length>1&&b.abilities.acts&&L(\"End all \\u2" +
  "026\",()=>l({...u,all:!0},\"all of them\"),\"danger\"))}catch(i){" +
  "w(o,e(\"p\",{class:\"bad\"},i instanceof Error?i.message:String(" +
  "i)))}},l=(u,i)=>P(`End ${i}?`,[\"The user has to sign in agai" +
  "n.\"],\"End\",async()=>{let{recorded:d}=await A(\"sessions/end\"," +
  "u);await c(),d||j(\"Ended\",V(d))}),r=e(\"form\",{class:\"filters" +
  "\"},S(\"Issuer\",t),S(\"Subject\",n),e(\"button\",{},\"List\"));retur" +
  "n r.addEventListener(\"submit\",u=>{u.preventDefault(),c()}),e" +
  "(\"section\",{class:\"panel\"},e(\"h2\",{},\"Sessions of a user\"),r" +
  ",o)}function Ie(t){let n=Math.floor((Date.now()-t)/864e5);re" +
  "turn e(\"span\",{class:n>365?\"bad\":void 0},n===0?\"today\":`${n}" +
  " days`)}function he(){let t=e(\"div\",{}),n=e(\"div\",{}),o=e(\"d" +
  "iv\",{\"aria-live\":\"polite\"}),s=e(\"p\",{class:\"bad\",role:\"alert" +
  "\"}),c=e(\"select\",{name:\"limit\"}),l=e(\"input\",{name:\"key\",req" +
  "uired:!0}),r=e(\"input\",{name:\"tenant\"}),u=async m=>{s.textCo" +
  "ntent=\"\";let p={limit:c.value,...m},f=m.alias??m.key??\"\";try" +
  "{let v=await A(\"limits/read\",p);w(o,e(\"h3\",{},`${p.limit}: $" +
  "{f}`),k(\"What is left\",[\"Kind\",\"Left\",\"Of\",\"\",\"Full again in" +
  "\"],v.map(h=>[h.algorithm,g(Math.floor(h.remaining)),g(h.capa" +
  "city),e(\"meter\",{min:0,max:h.capacity,low:h.capacity*.2,valu" +
  "e:h.remaining,\"aria-hidden\":\"true\"}),`${g(Math.ceil(h.resetA" +
  "fterMs/1e3))} s`]),\"This limit counts nothing.\"),b.abilities" +
  ".acts&&L(\"Reset \\u2026\",()=>i(p,f),\"danger\"))}catch(v){s.tex" +
  "tContent=v instanceof Error?v.message:String(v)}},i=(m,p)=>P" +
  "(`Reset the limit of ${p}?`,[\"What was used is forgotten.\"]," +
  "\"Reset\",async()=>{let{recorded:f}=await A(\"limits/reset\",m);" +
  "f||j(\"Reset\",V(f)),await u(m)}),d=async()=>{try{let m=await " +
  "M(\"limits\"),p=c.value;w(c,...m.limits.map(f=>e(\"option\",{},f" +
  "))),m.limits.includes(p)&&(c.value=p),w(t,k(\"Callers who cal" +
  "l most\",[\"Caller\",\"Calls\",\"Denied\",\"\"],m.hottest.map(({alias" +
  ":f,calls:v,denied:h})=>[e(\"code\",{},f),g(v),h>0?e(\"span\",{cl" +
  "ass:\"bad\"},g(h)):\"0\",m.limits.length>0&&L(\"Look\",()=>u({alia" +
  "s:f}))]),\"Nobody called in the last minutes.\")),w(n,k(\"Limit" +
  "s that would fit\",[\"Operation\",\"Calls of a caller in a minut" +
  "e\",\"Learned from\"],m.suggested.map(({operation:f,perMinute:v" +
  ",observations:h})=>[e(\"code\",{},f),g(v),`${g(h)} minutes of " +
  "callers`]),\"Nothing was learned yet: give consoleRoutes the " +
  "option usage, and it some minutes.\"))}catch(m){s.textContent" +
  "=String(m)}};d();let a=e(\"form\",{class:\"filters\"},S(\"Limit\"," +
  "c),S(\"Caller, as the limit counts it\",l),S(\"Tenant\",r),e(\"bu" +
  "tton\",{},\"Look\"));return a.addEventListener(\"submit\",m=>{m.p" +
  "reventDefault(),u({key:l.value,...r.value!==\"\"&&{tenant:r.va" +
  "lue}})}),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Limits\")" +
  ",e(\"div\",{class:\"columns\"},e(\"section\",{class:\"panel\"},e(\"h2" +
  "\",{},\"Hottest callers, last minutes\"),t,L(\"Refresh\",d)),e(\"s" +
  "ection\",{class:\"panel\"},e(\"h2\",{},\"What is left to a caller\"" +
  "),b.abilities.limits?a:e(\"p\",{class:\"empty\"},\"Give consoleRo" +
  "utes the option limits.\"),s,o),e(\"section\",{class:\"panel\"},e" +
  "(\"h2\",{},\"Suggested limits\"),n))),update:()=>{}}}var K=120,e" +
  "e=120,_=[\"succeeded\",\"denied\",\"failed\",\"aborted\"];function b" +
  "e(){let t=e(\"dl\",{class:\"tiles\"}),n=e(\"figure\",{}),o=e(\"div\"" +
  ",{}),s=e(\"div\",{});return{root:e(\"section\",{},e(\"h1\",{tabind" +
  "ex:-1},\"Now\"),t,n,e(\"div\",{class:\"columns\"},ye(\"Denials by c" +
  "ode, last minutes\",o),ye(\"Health\",s))),update:()=>{let{lates" +
  "t:r}=b;if(r===void 0)return;let u=Math.floor(r.now/1e3),i=Ar" +
  "ray.from({length:K},(p,f)=>{let[,...v]=b.seconds.get(u-K+f)?" +
  "?[0,0,0,0,0];return v}),d=_.map((p,f)=>i.reduce((v,h)=>v+(h[" +
  "f]??0),0)),y=i.slice(-10).flat().reduce((p,f)=>p+f,0)/10;t.r" +
  "eplaceChildren(...ge(\"Decisions a second\",y<10?y.toFixed(1):" +
  "g(Math.round(y))),..._.flatMap((p,f)=>ge(`${p}, 2 min`,g(d[f" +
  "]??0),p))),n.replaceChildren(qe(i,d),e(\"figcaption\",{},\"The " +
  "last two minutes. \",..._.flatMap(p=>[e(\"span\",{class:`key ${" +
  "p}`},p),\" \"]))),o.replaceChildren(R(\"Codes\",r.codes,\"Nothing" +
  " was denied.\"));let m=r.sinks.filter(({healthy:p,lost:f})=>!" +
  "p||f>0);w(s,m.length===0&&r.degraded.length===0?e(\"p\",{class" +
  ":\"good\"},\"\\u2713 No store or sink is degraded.\"):R(\"Degraded" +
  "\",r.degraded,\"No decision is degraded.\"),k(\"Sinks of the aud" +
  "it trail\",[\"Sink\",\"State\",\"Waiting\",\"Lost\"],r.sinks.map(({na" +
  "me:p,healthy:f,queued:v,lost:h})=>[p,f?\"ok\":e(\"strong\",{clas" +
  "s:\"bad\"},\"failing\"),g(v),h>0?e(\"strong\",{class:\"bad\"},g(h)):" +
  "\"0\"]),\"There are no sinks.\"),r.shadow.length>0&&e(\"h3\",{},\"P" +
  "olicies on trial would have denied, last day\"),r.shadow.leng" +
  "th>0&&R(\"Shadow\",r.shadow,\"\"))}}}function ye(t,n){return e(\"" +
  "section\",{class:\"panel\"},e(\"h2\",{},t),n)}function ge(t,n,o=\"" +
  "\"){return[e(\"div\",{class:`tile ${o}`},e(\"dt\",{},t),e(\"dd\",{}" +
  ",n))]}function qe(t,n){let o=Math.max(1,...t.map(r=>r.reduce" +
  "((u,i)=>u+i,0))),s=r=>(ee-r/o*ee).toFixed(1),c=_.map((r,u)=>" +
  "{let i=a=>a.slice(0,u).reduce((y,m)=>y+m,0),d=t.map((a,y)=>{" +
  "let[m,p]=[i(a),a[u]??0];return p===0?\"\":`M${y} ${s(m)}V${s(m" +
  "+p)}h.85V${s(m)}z`});return z(\"path\",{class:r,d:d.join(\"\")})" +
  "}),l=_.map((r,u)=>`${n[u]} ${r}`).join(\", \");return z(\"svg\"," +
  "{class:\"chart\",viewBox:`0 0 ${K} ${ee}`,preserveAspectRatio:" +
  "\"none\",role:\"img\",\"aria-label\":`Decisions in each of the las" +
  "t ${K} seconds: ${l}; at most ${o} in one second.`},...c)}fu" +
  "nction ve(){let t=e(\"p\",{class:\"told\",role:\"status\"},\"Loadin" +
  "g \\u2026\"),n=e(\"div\",{class:\"wide\"}),o=e(\"div\",{class:\"wide\"" +
  "}),s=async()=>{try{let l=await M(\"shadow\"),r=l.trials.reduce" +
  "((u,i)=>u+i.admitted,0);t.textContent=`Calls of the last day" +
  " that were let in, and that policies on trial would have den" +
  "ied: ${g(r)}.`,w(n,k(\"What policies on trial would have deni" +
  "ed\",[\"Operation\",\"Policy\",\"Code\",\"Would be denied\",\"Of them " +
  "let in\"],l.trials.map(({operation:u,policy:i,code:d,would:a," +
  "admitted:y})=>[e(\"code\",{},u),i,e(\"code\",{},d),g(a),y>0?e(\"s" +
  "trong\",{class:\"bad\"},g(y)):\"0\"]),\"No policy on trial would h" +
  "ave denied a call.\")),w(o,k(\"Policies on trial that would ha" +
  "ve denied nothing\",[\"Operation\",\"Policy\",\"Calls since the fe" +
  "ed began\"],l.silent.map(({operation:u,table:i,policy:d,calls" +
  ":a})=>[e(\"span\",{},e(\"code\",{},u),\" \",e(\"small\",{},i)),d,a==" +
  "=0?e(\"small\",{},\"never called\"):g(a)]),\"There is none, or co" +
  "nsoleRoutes has no tables.\"))}catch(l){t.textContent=l insta" +
  "nceof Error?l.message:String(l)}};return s(),{root:e(\"sectio" +
  "n\",{},e(\"h1\",{tabindex:-1},\"Shadow\"),t,e(\"section\",{class:\"p" +
  "anel\"},e(\"h2\",{},\"Would have been denied, last day\"),n),e(\"s" +
  "ection\",{class:\"panel\"},e(\"h2\",{},\"On trial, and denied noth" +
  "ing\"),o),e(\"p\",{},L(\"Refresh\",s),\" \",e(\"a\",{href:\"#decisions" +
  "?kind=on%20trial\"},\"The calls\"))),update:()=>{}}}var oe={now" +
  ":{title:\"Now\",make:be},coverage:{title:\"Coverage\",make:ue},d" +
  "ecisions:{title:\"Decisions\",make:me},limits:{title:\"Limits\"," +
  "make:he},shadow:{title:\"Shadow\",make:ve},keys:{title:\"Keys a" +
  "nd sessions\",make:fe}},we=document.querySelector(\"main\"),ke=" +
  "document.querySelector(\"nav\"),te=document.querySelector(\"#st" +
  "atus\"),I,ne=!1;function Le(){let[t=\"\",n=\"\"]=location.hash.sl" +
  "ice(1).split(\"?\");if(t===\"main\")return we.focus();let o=Obje" +
  "ct.hasOwn(oe,t)?t:\"now\",s=oe[o];if(s===void 0)return;let c=I" +
  "!==void 0,l=new URLSearchParams(n);I=s.make(l.get(\"request\")" +
  "??void 0,l.get(\"kind\")??void 0),I.update(),we.replaceChildre" +
  "n(I.root),document.title=`${s.title} \\xB7 apisec console`;fo" +
  "r(let r of ke.querySelectorAll(\"a\"))r.hash===`#${o}`?r.setAt" +
  "tribute(\"aria-current\",\"page\"):r.removeAttribute(\"aria-curre" +
  "nt\");c&&I.root.querySelector(\"h1\")?.focus()}function _e(){ne" +
  "||(ne=!0,requestAnimationFrame(()=>{ne=!1,I?.update()}))}var" +
  " Ee={live:\"Live\",reconnecting:\"Reconnecting \\u2026\",denied:\"" +
  "Not connected: signed out, or too many pages are open. Reloa" +
  "d to sign in.\"};function Fe(t){te.textContent!==Ee[t]&&(te.t" +
  "extContent=Ee[t],te.className=t)}ke.append(...Object.entries" +
  "(oe).map(([t,{title:n}])=>e(\"a\",{href:`#${t}`},n)));addEvent" +
  "Listener(\"hashchange\",Le);b.abilities=await M(\"abilities\").c" +
  "atch(()=>b.abilities);Le();Z(_e,Fe);\n";
