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
  "13px}code,.operation,.who,dd{overflow-wrap:anywhere}td{overf" +
  "low-wrap:break-word}td time,td small{white-space:nowrap}mete" +
  "r{width:100px;height:12px}code{font:13px/1.4 ui-monospace,mo" +
  "nospace}.hidden{position:absolute;clip-path:inset(50%);width" +
  ":1px;height:1px;overflow:hidden;white-space:nowrap}.empty,.t" +
  "old{color:var(--soft)}.filters{display:flex;flex-wrap:wrap;g" +
  "ap:10px;align-items:end;margin-bottom:10px}.field{display:gr" +
  "id;gap:2px;color:var(--soft);font-size:13px}input,select,but" +
  "ton{font:inherit;color:inherit;background:var(--paper);borde" +
  "r:1px solid var(--soft);border-radius:6px;padding:6px 10px;m" +
  "in-height:36px;max-width:100%}input{color:var(--ink)}button{" +
  "cursor:pointer}button:hover{border-color:var(--link)}button." +
  "danger{color:var(--denied);border-color:var(--denied)}button" +
  ":disabled{opacity:.5;cursor:default}.events{list-style:none;" +
  "margin:0;padding:0;display:grid;gap:4px}.events summary{disp" +
  "lay:grid;grid-template-columns:76px 100px minmax(120px,2fr) " +
  "minmax(100px,1.5fr) minmax(100px,1.5fr);gap:10px;padding:7px" +
  " 12px;cursor:pointer;list-style:none}.events summary::-webki" +
  "t-details-marker{display:none}.events details[open] summary{" +
  "border-bottom:1px solid var(--line)}.who{color:var(--soft)}." +
  "full{padding:10px 14px}.full dl{display:grid;grid-template-c" +
  "olumns:minmax(100px,max-content) 1fr;gap:3px 14px;margin:0}." +
  "full dt{color:var(--soft)}.full dd{margin:0}.trace{margin:0;" +
  "padding-left:24px;font:13px/1.5 ui-monospace,monospace;overf" +
  "low-wrap:anywhere}dialog{max-width:min(560px,calc(100vw - 32" +
  "px));color:inherit;padding:18px}dialog::backdrop{background:" +
  "#00000080}dialog .secret{display:block;padding:10px;backgrou" +
  "nd:var(--ground);-webkit-user-select:all;user-select:all;ove" +
  "rflow-wrap:anywhere}dialog form{display:grid;gap:12px}.butto" +
  "ns{display:flex;flex-wrap:wrap;gap:8px}dialog .buttons{justi" +
  "fy-content:end}@media(max-width:720px){nav{order:3;flex-basi" +
  "s:100%}header,main{padding-left:12px;padding-right:12px}.eve" +
  "nts summary{grid-template-columns:auto 1fr}.events summary ." +
  "operation,.events summary code,.events summary .who{grid-col" +
  "umn:1 / -1}.events summary code:empty{display:none}.full dl{" +
  "grid-template-columns:1fr}.full dt{margin-top:6px}.wide thea" +
  "d{display:none}.wide tr{display:block;padding:8px 0;border-b" +
  "ottom:1px solid var(--line)}.wide td{overflow-wrap:anywhere;" +
  "display:block;border:0;padding:1px 0}.wide td:empty{display:" +
  "none}.wide td:before{content:attr(data-head) \": \";color:var(" +
  "--soft);font-size:13px}}@media(prefers-reduced-motion:no-pre" +
  "ference){.tile dd{transition:color .2s}}\n";
export const SCRIPT: string =
  "function e(t,n={},...s){let o=document.createElement(t);retu" +
  "rn J(o,n),o.append(...q(s)),o}var me=\"http://www.w3.org/2000" +
  "/svg\";function I(t,n,...s){let o=document.createElementNS(me" +
  ",t);return J(o,n),o.append(...q(s)),o}function b(t,...n){t.r" +
  "eplaceChildren(...q(n))}function J(t,n){for(let[s,o]of Objec" +
  "t.entries(n))o!==void 0&&o!==!1&&t.setAttribute(s,o===!0?\"\":" +
  "String(o))}function q(t){return t.flatMap(n=>n===void 0||n==" +
  "=!1?[]:[typeof n==\"number\"?`${n}`:n])}function k(t,n,s,o){if" +
  "(s.length===0)return e(\"p\",{class:\"empty\"},o);let l=e(\"tr\",{" +
  "},...n.map(i=>e(\"th\",{scope:\"col\"},i))),r=s.map(i=>e(\"tr\",{}" +
  ",...i.map((d,a)=>e(\"td\",{\"data-head\":n[a]},d))));return e(\"d" +
  "iv\",{class:\"scroll\",tabindex:0,role:\"region\",\"aria-label\":t}" +
  ",e(\"table\",{},e(\"caption\",{class:\"hidden\"},t),e(\"thead\",{},l" +
  "),e(\"tbody\",{},...r)))}function E(t,n,s=\"\"){let o=e(\"button\"" +
  ",{type:\"button\",class:s},t),l=async()=>{o.disabled=!0;try{aw" +
  "ait n()}finally{o.disabled=!1}};return o.addEventListener(\"c" +
  "lick\",()=>{l()}),o}function L(t,n){return e(\"label\",{class:\"" +
  "field\"},e(\"span\",{},t),n)}var pe=new Intl.NumberFormat(\"en\")" +
  ",g=t=>pe.format(t),fe=new Intl.DateTimeFormat(\"en-GB\",{timeS" +
  "tyle:\"medium\"}),he=new Intl.DateTimeFormat(\"en-GB\",{dateStyl" +
  "e:\"medium\",timeStyle:\"short\"});function S(t){if(t===void 0||" +
  "!Number.isFinite(t))return\"\\u2013\";let n=new Date(t),s=Math." +
  "abs(Date.now()-t)<432e5;return e(\"time\",{datetime:n.toISOStr" +
  "ing()},(s?fe:he).format(n))}function M(t,n,s){let o=n[0]?.[1" +
  "]??1;return k(t,[\"Name\",\"Count\",\"\"],n.map(([l,r])=>[e(\"code\"" +
  ",{},l),g(r),e(\"meter\",{min:0,max:o,value:r,\"aria-hidden\":\"tr" +
  "ue\"})]),s)}var y={abilities:{acts:!1,limits:!1,keys:!1,sessi" +
  "ons:!1},latest:void 0,seconds:new Map,events:[],left:0};func" +
  "tion ye(t){\"since\"in t?(y.seconds.clear(),y.left=0):y.left+=" +
  "t.left;let s=new Set(y.events.map(({id:r})=>r)),o=t.events.f" +
  "ilter(({id:r})=>!s.has(r));o.length>0&&(y.events=[...y.event" +
  "s,...o].slice(-1e3));for(let r of t.seconds)y.seconds.set(r[" +
  "0],r);let l=Math.floor(t.now/1e3)-300;for(let r of y.seconds" +
  ".keys())r<l&&y.seconds.delete(r);y.latest={since:y.latest?.s" +
  "ince??t.now,...t}}var _=new URL(\".\",location.href);async fun" +
  "ction T(t){let n=await fetch(new URL(t,_));if(!n.ok)throw ne" +
  "w Error(await z(n));return await n.json()}async function x(t" +
  ",n){let s=await fetch(new URL(t,_),{method:\"POST\",headers:{\"" +
  "content-type\":\"application/json\"},body:JSON.stringify(n)});i" +
  "f(!s.ok)throw new Error(await z(s));return await s.json()}as" +
  "ync function z(t){let n=await t.json().catch(()=>({}));retur" +
  "n`${typeof n.detail==\"string\"?n.detail:\"That did not work.\"}" +
  " (${t.status}${typeof n.code==\"string\"?`, ${n.code}`:\"\"})`}f" +
  "unction G(t,n){let s=new EventSource(new URL(\"events\",_)),o=" +
  "l=>{ye(JSON.parse(l.data)),n(\"live\"),t()};s.addEventListener" +
  "(\"snapshot\",o),s.addEventListener(\"tick\",o),s.addEventListen" +
  "er(\"error\",()=>{if(s.readyState!==EventSource.CLOSED)return " +
  "n(\"reconnecting\");n(\"denied\"),setTimeout(()=>G(t,n),1e4)})}v" +
  "ar K=200,Q={all:()=>!0,\"open to everyone\":({open:t})=>t,\"wit" +
  "hout a limit\":({limit:t})=>t.length===0,\"without input check" +
  "\":({input:t})=>t.length===0,\"never called\":({calls:t})=>t===" +
  "0,\"with a policy on trial\":({shadow:t})=>t.length>0};functio" +
  "n X(){let t=e(\"input\",{type:\"search\"}),n=e(\"select\",{},...Ob" +
  "ject.keys(Q).map(h=>e(\"option\",{},h))),s=e(\"p\",{class:\"told\"" +
  ",role:\"status\"},\"Loading \\u2026\"),o=e(\"div\",{class:\"wide\"})," +
  "l=e(\"div\",{}),r,i=K,d=()=>{if(r===void 0)return;let h=t.valu" +
  "e.trim().toLowerCase(),f=Q[n.value]??(()=>!0),p=r.lines.filt" +
  "er(v=>f(v)&&`${v.table} ${v.operation}`.toLowerCase().includ" +
  "es(h)),m=p.slice(0,i);b(s,`${g(m.length)} of ${g(p.length)} " +
  "operations, calls since `,S(r.since),\".\"),b(o,k(\"Operations " +
  "and what guards them\",[\"Operation\",\"Authentication\",\"Grant\"," +
  "\"Limit\",\"Input\",\"Output\",\"Calls\",\"Denied\"],m.map(ge),\"No ope" +
  "ration is like that. Give consoleRoutes the option coverage," +
  " if there is none at all.\"),m.length<p.length&&E(\"Show more\"" +
  ",()=>{i+=K,d()})),b(l,e(\"div\",{class:\"columns\"},e(\"section\"," +
  "{class:\"panel\"},e(\"h2\",{},\"Called, and in no table (denied)\"" +
  "),M(\"Unlisted operations\",r.unlisted,\"Nothing unlisted was c" +
  "alled.\")),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"API version" +
  "s in use, last day\"),M(\"Versions\",r.versions,\"No call named " +
  "a version.\"))))},a=async()=>{try{r=await T(\"coverage\"),d()}c" +
  "atch(h){s.textContent=String(h)}},c=()=>{i=K,d()};return t.a" +
  "ddEventListener(\"input\",c),n.addEventListener(\"change\",c),a(" +
  "),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Coverage\"),e(\"d" +
  "iv\",{class:\"filters\",role:\"search\"},L(\"Operation\",t),L(\"Show" +
  "\",n),E(\"Refresh\",a)),s,o,l),update:()=>{}}}function ge(t){le" +
  "t{operation:n,authentication:s,grant:o,limit:l,input:r,outpu" +
  "t:i,open:d,calls:a,denied:c}=t;return[e(\"span\",{},e(\"code\",{" +
  "},n),\" \",e(\"small\",{},t.table),t.shadow.length>0&&e(\"small\"," +
  "{class:\"key act\"},`on trial: ${t.shadow.join(\", \")}`)),P(s)," +
  "d?e(\"strong\",{class:\"bad\"},`open: ${o.join(\", \")||\"no grant " +
  "known\"}`):P(o),P(l),P(r),P(i),a===0?e(\"small\",{},\"never\"):g(" +
  "a),c===0?\"0\":e(\"span\",{class:\"bad\"},g(c))]}function P(t){ret" +
  "urn t.join(\", \")||\"\\u2013\"}var ve=200;function Y(t,n){let s=" +
  "e(\"input\",{type:\"search\",placeholder:\"code, operation, calle" +
  "r \\u2026\"});t!==void 0&&(s.value=t);let o=e(\"select\",{},...[" +
  "\"all\",\"denied\",\"failed\",\"succeeded\",\"acts\",\"on trial\"].map(m" +
  "=>e(\"option\",{value:m},m)));n!==void 0&&(o.value=n);let l=e(" +
  "\"ol\",{class:\"events\",\"aria-label\":\"Newest decisions\"}),r=e(\"" +
  "p\",{class:\"told\",role:\"status\"}),i=!1,d=[],a=E(\"Pause\",()=>{" +
  "i=!i,a.textContent=i?\"Go on\":\"Pause\",a.setAttribute(\"aria-pr" +
  "essed\",String(i)),i||f()}),c=new Map,u=()=>{let m=s.value.tr" +
  "im().toLowerCase(),v=new Set(y.events.map(({id:C})=>C)),N=[." +
  "..d.filter(({id:C})=>!v.has(C)),...y.events].filter(C=>be(C," +
  "o.value)&&Ee(C,m)),A=N.slice(-ve).toReversed();for(let C of " +
  "c.keys())A.some(j=>j.id===C)||c.delete(C);let ce=A.map(C=>{l" +
  "et j=c.get(C.id)??ke(C);return c.set(C.id,j),j});we(l,ce);le" +
  "t ue=y.left>0?` ${g(y.left)} came too fast to be sent.`:\"\";r" +
  ".textContent=`${g(A.length)} of ${g(N.length)} shown.${ue}`}" +
  ",h=async m=>{let v=`decisions?request=${encodeURIComponent(m" +
  ")}`;d=await T(v).catch(()=>[]),u(),l.querySelector(\"details\"" +
  ")?.setAttribute(\"open\",\"\")},f=()=>{i||u()};s.addEventListene" +
  "r(\"input\",u),o.addEventListener(\"change\",u),t!==void 0&&h(t)" +
  ";let p=e(\"section\",{},e(\"h1\",{tabindex:-1},\"Decisions\"),e(\"f" +
  "orm\",{class:\"filters\",role:\"search\"},L(\"Filter\",s),L(\"Show\"," +
  "o),a),r,l);return p.querySelector(\"form\")?.addEventListener(" +
  "\"submit\",m=>m.preventDefault()),{root:p,update:f}}function w" +
  "e(t,n){let s=new Set(n);for(let l of Array.from(t.children))" +
  "s.has(l)||l.remove();let o=t.firstElementChild;for(let l of " +
  "n)l===o?o=o.nextElementSibling:t.insertBefore(l,o)}function " +
  "be(t,n){return n===\"all\"?!0:n===\"acts\"?t.kind===\"act\":n===\"o" +
  "n trial\"?t.wouldDeny!==void 0:t.kind===\"decision\"&&t.outcome" +
  "===n}function Ee(t,n){if(n===\"\")return!0;let{operation:s,cod" +
  "e:o,policy:l,principal:r,peer:i,requestId:d,act:a,tenant:c,c" +
  "lient:u}=t;return[s,o,l,r,i,d,a,c,u].some(h=>h?.toLowerCase(" +
  ").includes(n)===!0)}function ke(t){let{outcome:n,operation:s" +
  ",code:o,policy:l,act:r,subject:i,principal:d,peer:a,kind:c}=" +
  "t,u=e(\"details\",{},e(\"summary\",{},S(t.time),e(\"span\",{class:" +
  "`key ${c===\"act\"?\"act\":n}`},c===\"act\"?\"act\":n),e(\"span\",{cla" +
  "ss:\"operation\"},r??s??\"unknown operation\"),e(\"code\",{},o??\"\"" +
  "),e(\"span\",{class:\"who\"},i??d??a??\"unknown caller\")));return" +
  " u.addEventListener(\"toggle\",()=>{u.open&&u.children.length=" +
  "==1&&u.append(Le(t,l))}),e(\"li\",{},u)}function Le(t,n){let{r" +
  "equestId:s,trace:o=[],wouldDeny:l=[],degraded:r=[],target:i," +
  "data:d}=t,a=[[\"Denied by\",n&&`${n}: ${t.code??\"\"} (${t.denia" +
  "lKind??\"\"})`],[\"Reason, for operators\",t.cause??t.reason],[\"" +
  "Would be denied by\",l.join(\", \")],[\"Degraded\",r.join(\", \")]," +
  "[\"Target\",i&&`${i.type} ${i.id}`],[\"Data\",d&&JSON.stringify(" +
  "d)],[\"Event\",`${t.event} (${t.severity})`],[\"Protocol\",[t.pr" +
  "otocol,t.status].filter(c=>c!==void 0).join(\" \")],[\"Principa" +
  "l\",t.principal],[\"Client\",t.client],[\"Tenant\",t.tenant],[\"AP" +
  "I key\",t.apiKey],[\"Peer\",t.peer],[\"Latency\",t.latencyMs===vo" +
  "id 0?void 0:`${t.latencyMs} ms`],[\"Request\",s&&e(\"a\",{href:`" +
  "#decisions?request=${encodeURIComponent(s)}`},s)],[\"Trace id" +
  "\",t.traceId]];return e(\"div\",{class:\"full\"},e(\"dl\",{},...a.f" +
  "latMap(([c,u])=>u===void 0||u===\"\"||u===!1?[]:[e(\"dt\",{},c)," +
  "e(\"dd\",{},u)])),o.length>0&&e(\"h3\",{},\"Policies that ran\"),o" +
  ".length>0&&e(\"ol\",{class:\"trace\"},...o.map(c=>e(\"li\",{class:" +
  "/: denied/.test(c)?\"bad\":void 0},c))))}function $(t,n,s,o){l" +
  "et l=e(\"p\",{class:\"bad\",role:\"alert\"}),r=e(\"button\",{type:\"s" +
  "ubmit\",class:\"danger\"},s),i=e(\"button\",{type:\"button\"},\"Canc" +
  "el\"),d=e(\"form\",{},e(\"h2\",{id:\"dialog-title\"},t),...n,l,e(\"d" +
  "iv\",{class:\"buttons\"},i,r)),a=Z(d),c=async()=>{r.disabled=!0" +
  ";try{await o(),a.close()}catch(u){l.textContent=u instanceof" +
  " Error?u.message:String(u),r.disabled=!1}};i.addEventListene" +
  "r(\"click\",()=>a.close()),d.addEventListener(\"submit\",u=>{u.p" +
  "reventDefault(),c()})}function O(t,...n){let s=e(\"button\",{t" +
  "ype:\"button\"},\"Close\"),o=Z(e(\"div\",{},e(\"h2\",{id:\"dialog-tit" +
  "le\"},t),...n,s));s.addEventListener(\"click\",()=>o.close())}f" +
  "unction Z(t){let n=e(\"dialog\",{\"aria-labelledby\":\"dialog-tit" +
  "le\"},t),s=document.activeElement;return n.addEventListener(\"" +
  "close\",()=>{n.remove(),s instanceof HTMLElement&&s.focus()})" +
  ",document.body.append(n),n.showModal(),n}function R(t){retur" +
  "n t?\"\":\"It was done, but the audit trail did not take it. Te" +
  "ll whoever keeps the trail.\"}function ee(){let{keys:t,sessio" +
  "ns:n}=y.abilities;return{root:e(\"section\",{},e(\"h1\",{tabinde" +
  "x:-1},\"Keys and sessions\"),t?Ce():e(\"p\",{class:\"empty\"},\"Giv" +
  "e consoleRoutes the option keys to see API keys.\"),n?Se():e(" +
  "\"p\",{class:\"empty\"},\"Give consoleRoutes the option sessions " +
  "to see sessions.\")),update:()=>{}}}function Ce(){let t=e(\"in" +
  "put\",{name:\"tenant\",placeholder:\"of no tenant\"}),n=e(\"div\",{" +
  "class:\"wide\",\"aria-live\":\"polite\"}),s=[],o=async()=>{try{let" +
  "{keys:a,next:c}=await x(\"keys/list\",{tenant:t.value,after:s." +
  "at(-1)});b(n,k(\"API keys\",[\"Name\",\"Id\",\"Owner\",\"Status\",\"Age" +
  "\",\"Last used\",\"Expires\",\"Acts\"],a.map(u=>l(u)),\"There are no" +
  " keys here.\"),c!==void 0&&E(\"Next\",()=>(s.push(c),o())))}cat" +
  "ch(a){b(n,e(\"p\",{class:\"bad\"},a instanceof Error?a.message:S" +
  "tring(a)))}},l=a=>{let{name:c,id:u,owner:h,status:f,createdA" +
  "t:p,lastUsedAt:m,expiresAt:v,previous:w}=a,N=f===\"revoked\",A" +
  "=w!==void 0&&w.until>Date.now();return[c,e(\"code\",{},u),`${h" +
  ".type} ${h.id}`,e(\"span\",{class:N?\"bad\":void 0},f,A?\", old s" +
  "ecret still good until \":\"\",A&&S(w.until)),Te(p),S(m),S(v),y" +
  ".abilities.acts&&!N&&e(\"span\",{class:\"buttons\"},E(\"Rotate \\u" +
  "2026\",()=>r(a)),E(\"Revoke \\u2026\",()=>i(a),\"danger\"))]},r=({" +
  "id:a,name:c,generation:u})=>{let h=e(\"input\",{type:\"number\"," +
  "min:0,max:720,step:1,value:24,required:!0});$(`Rotate the ke" +
  "y \\u201C${c}\\u201D?`,[L(\"Hours for which the old secret stay" +
  "s good\",h)],\"Rotate\",async()=>{let f={id:a,generation:u,over" +
  "lapHours:h.valueAsNumber},{key:p,recorded:m}=await x(\"keys/r" +
  "otate\",f);await o(),O(\"The new key\",\"It is shown once, here." +
  "\",e(\"code\",{class:\"secret\"},p),e(\"p\",{class:\"bad\"},R(m)))})}" +
  ",i=({id:a,name:c})=>{let u=e(\"input\",{maxlength:512,required" +
  ":!0});$(`Revoke the key \\u201C${c}\\u201D?`,[\"Nobody can undo" +
  " this.\",L(\"Reason, for the audit trail\",u)],\"Revoke\",async()" +
  "=>{let{recorded:h}=await x(\"keys/revoke\",{id:a,reason:u.valu" +
  "e});await o(),h||O(\"Revoked\",R(h))})},d=e(\"form\",{class:\"fil" +
  "ters\"},L(\"Tenant\",t),e(\"button\",{},\"List\"));return d.addEven" +
  "tListener(\"submit\",a=>{a.preventDefault(),s=[],o()}),o(),e(\"" +
  "section\",{class:\"panel\"},e(\"h2\",{},\"API keys\"),d,n)}function" +
  " Se(){let t=e(\"input\",{name:\"issuer\",required:!0}),n=e(\"inpu" +
  "t\",{name:\"subject\",required:!0}),s=e(\"div\",{class:\"wide\",\"ar" +
  "ia-live\":\"polite\"}),o=()=>({issuer:t.value,subject:n.value})" +
  ",l=async()=>{let d=o();try{let a=await x(\"sessions/list\",d);" +
  "b(s,k(\"Sessions\",[\"Client\",\"Began\",\"Last seen\",\"Ends\",\"Acts\"" +
  "],a.map(({handle:c,clientId:u,createdAt:h,seenAt:f,expiresAt" +
  ":p})=>[u,S(h),S(f),S(p),y.abilities.acts&&E(\"End \\u2026\",()=" +
  ">r({...d,handle:c},\"this session\"),\"danger\")]),\"This user ha" +
  "s no session.\"),a.length>1&&y.abilities.acts&&E(\"End all \\u2" +
  "026\",()=>r({...d,all:!0},\"all of them\"),\"danger\"))}catch(a){" +
  "b(s,e(\"p\",{class:\"bad\"},a instanceof Error?a.message:String(" +
  "a)))}},r=(d,a)=>$(`End ${a}?`,[\"The user has to sign in agai" +
  "n.\"],\"End\",async()=>{let{recorded:c}=await x(\"sessions/end\"," +
  "d);await l(),c||O(\"Ended\",R(c))}),i=e(\"form\",{class:\"filters" +
  "\"},L(\"Issuer\",t),L(\"Subject\",n),e(\"button\",{},\"List\"));retur" +
  "n i.addEventListener(\"submit\",d=>{d.preventDefault(),l()}),e" +
  "(\"section\",{class:\"panel\"},e(\"h2\",{},\"Sessions of a user\"),i" +
  ",s)}function Te(t){let n=Math.floor((Date.now()-t)/864e5);re" +
  "turn e(\"span\",{class:n>365?\"bad\":void 0},n===0?\"today\":`${n}" +
  " days`)}function te(){let t=e(\"div\",{}),n=e(\"div\",{}),s=e(\"d" +
  "iv\",{\"aria-live\":\"polite\"}),o=e(\"p\",{class:\"bad\",role:\"alert" +
  "\"}),l=e(\"select\",{name:\"limit\"}),r=e(\"input\",{name:\"key\",req" +
  "uired:!0}),i=e(\"input\",{name:\"tenant\"}),d=async f=>{o.textCo" +
  "ntent=\"\";let p={limit:l.value,...f},m=f.alias??f.key??\"\";try" +
  "{let v=await x(\"limits/read\",p);b(s,e(\"h3\",{},`${p.limit}: $" +
  "{m}`),k(\"What is left\",[\"Kind\",\"Left\",\"Of\",\"\",\"Full again in" +
  "\"],v.map(w=>[w.algorithm,g(Math.floor(w.remaining)),g(w.capa" +
  "city),e(\"meter\",{min:0,max:w.capacity,low:w.capacity*.2,valu" +
  "e:w.remaining,\"aria-hidden\":\"true\"}),`${g(Math.ceil(w.resetA" +
  "fterMs/1e3))} s`]),\"This limit counts nothing.\"),y.abilities" +
  ".acts&&E(\"Reset \\u2026\",()=>a(p,m),\"danger\"))}catch(v){o.tex" +
  "tContent=v instanceof Error?v.message:String(v)}},a=(f,p)=>$" +
  "(`Reset the limit of ${p}?`,[\"What was used is forgotten.\"]," +
  "\"Reset\",async()=>{let{recorded:m}=await x(\"limits/reset\",f);" +
  "m||O(\"Reset\",R(m)),await d(f)}),c=async()=>{try{let f=await " +
  "T(\"limits\"),p=l.value;b(l,...f.limits.map(m=>e(\"option\",{},m" +
  "))),f.limits.includes(p)&&(l.value=p),b(t,k(\"Callers who cal" +
  "l most\",[\"Caller\",\"Calls\",\"Denied\",\"\"],f.hottest.map(({alias" +
  ":m,calls:v,denied:w})=>[e(\"code\",{},m),g(v),w>0?e(\"span\",{cl" +
  "ass:\"bad\"},g(w)):\"0\",f.limits.length>0&&E(\"Look\",()=>d({alia" +
  "s:m}))]),\"Nobody called in the last minutes.\")),b(n,k(\"Limit" +
  "s that would fit\",[\"Operation\",\"Calls of a caller in a minut" +
  "e\",\"Learned from\"],f.suggested.map(({operation:m,perMinute:v" +
  ",observations:w})=>[e(\"code\",{},m),g(v),`${g(w)} minutes of " +
  "callers`]),\"Nothing was learned yet: give consoleRoutes the " +
  "option usage, and it some minutes.\"))}catch(f){o.textContent" +
  "=String(f)}};c();let u=e(\"form\",{class:\"filters\"},L(\"Limit\"," +
  "l),L(\"Caller, as the limit counts it\",r),L(\"Tenant\",i),e(\"bu" +
  "tton\",{},\"Look\"));return u.addEventListener(\"submit\",f=>{f.p" +
  "reventDefault(),d({key:r.value,...i.value!==\"\"&&{tenant:i.va" +
  "lue}})}),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Limits\")" +
  ",e(\"div\",{class:\"columns\"},e(\"section\",{class:\"panel\"},e(\"h2" +
  "\",{},\"Hottest callers, last minutes\"),t,E(\"Refresh\",c)),e(\"s" +
  "ection\",{class:\"panel\"},e(\"h2\",{},\"What is left to a caller\"" +
  "),y.abilities.limits?u:e(\"p\",{class:\"empty\"},\"Give consoleRo" +
  "utes the option limits.\"),o,s),e(\"section\",{class:\"panel\"},e" +
  "(\"h2\",{},\"Suggested limits\"),n))),update:()=>{}}}var V=120,U" +
  "=120,D=[\"succeeded\",\"denied\",\"failed\",\"aborted\"];function se" +
  "(){let t=e(\"dl\",{class:\"tiles\"}),n=e(\"figure\",{}),s=e(\"div\"," +
  "{}),o=e(\"div\",{});return{root:e(\"section\",{},e(\"h1\",{tabinde" +
  "x:-1},\"Now\"),t,n,e(\"div\",{class:\"columns\"},ne(\"Denials by co" +
  "de, last minutes\",s),ne(\"Health\",o))),update:()=>{let{latest" +
  ":i}=y;if(i===void 0)return;let d=Math.floor(i.now/1e3),a=Arr" +
  "ay.from({length:V},(p,m)=>{let[,...v]=y.seconds.get(d-V+m)??" +
  "[0,0,0,0,0];return v}),c=D.map((p,m)=>a.reduce((v,w)=>v+(w[m" +
  "]??0),0)),h=a.slice(-10).flat().reduce((p,m)=>p+m,0)/10;t.re" +
  "placeChildren(...oe(\"Decisions a second\",h<10?h.toFixed(1):g" +
  "(Math.round(h))),...D.flatMap((p,m)=>oe(`${p}, 2 min`,g(c[m]" +
  "??0),p))),n.replaceChildren(xe(a,c),e(\"figcaption\",{},\"The l" +
  "ast two minutes. \",...D.flatMap(p=>[e(\"span\",{class:`key ${p" +
  "}`},p),\" \"]))),s.replaceChildren(M(\"Codes\",i.codes,\"Nothing " +
  "was denied.\"));let f=i.sinks.filter(({healthy:p,lost:m})=>!p" +
  "||m>0);b(o,f.length===0&&i.degraded.length===0?e(\"p\",{class:" +
  "\"good\"},\"\\u2713 No store or sink is degraded.\"):M(\"Degraded\"" +
  ",i.degraded,\"No decision is degraded.\"),k(\"Sinks of the audi" +
  "t trail\",[\"Sink\",\"State\",\"Waiting\",\"Lost\"],i.sinks.map(({nam" +
  "e:p,healthy:m,queued:v,lost:w})=>[p,m?\"ok\":e(\"strong\",{class" +
  ":\"bad\"},\"failing\"),g(v),w>0?e(\"strong\",{class:\"bad\"},g(w)):\"" +
  "0\"]),\"There are no sinks.\"),i.shadow.length>0&&e(\"h3\",{},\"Po" +
  "licies on trial would have denied, last day\"),i.shadow.lengt" +
  "h>0&&M(\"Shadow\",i.shadow,\"\"))}}}function ne(t,n){return e(\"s" +
  "ection\",{class:\"panel\"},e(\"h2\",{},t),n)}function oe(t,n,s=\"\"" +
  "){return[e(\"div\",{class:`tile ${s}`},e(\"dt\",{},t),e(\"dd\",{}," +
  "n))]}function xe(t,n){let s=Math.max(1,...t.map(i=>i.reduce(" +
  "(d,a)=>d+a,0))),o=i=>(U-i/s*U).toFixed(1),l=D.map((i,d)=>{le" +
  "t a=u=>u.slice(0,d).reduce((h,f)=>h+f,0),c=t.map((u,h)=>{let" +
  "[f,p]=[a(u),u[d]??0];return p===0?\"\":`M${h} ${o(f)}V${o(f+p)" +
  "}h.85V${o(f)}z`});return I(\"path\",{class:i,d:c.join(\"\")})})," +
  "r=D.map((i,d)=>`${n[d]} ${i}`).join(\", \");return I(\"svg\",{cl" +
  "ass:\"chart\",viewBox:`0 0 ${V} ${U}`,preserveAspectRatio:\"non" +
  "e\",role:\"img\",\"aria-label\":`Decisions in each of the last ${" +
  "V} seconds: ${r}; at most ${s} in one second.`},...l)}functi" +
  "on ie(){let t=e(\"p\",{class:\"told\",role:\"status\"},\"Loading \\u" +
  "2026\"),n=e(\"div\",{class:\"wide\"}),s=e(\"div\",{class:\"wide\"}),o" +
  "=async()=>{try{let r=await T(\"shadow\"),i=r.trials.reduce((d," +
  "a)=>d+a.admitted,0);t.textContent=`Calls of the last day tha" +
  "t were let in, and that policies on trial would have denied:" +
  " ${g(i)}.`,b(n,k(\"What policies on trial would have denied\"," +
  "[\"Operation\",\"Policy\",\"Code\",\"Would be denied\",\"Of them let " +
  "in\"],r.trials.map(({operation:d,policy:a,code:c,would:u,admi" +
  "tted:h})=>[e(\"code\",{},d),a,e(\"code\",{},c),g(u),h>0?e(\"stron" +
  "g\",{class:\"bad\"},g(h)):\"0\"]),\"No policy on trial would have " +
  "denied a call.\")),b(s,k(\"Policies on trial that would have d" +
  "enied nothing\",[\"Operation\",\"Policy\",\"Calls since the feed b" +
  "egan\"],r.silent.map(({operation:d,table:a,policy:c,calls:u})" +
  "=>[e(\"span\",{},e(\"code\",{},d),\" \",e(\"small\",{},a)),c,u===0?e" +
  "(\"small\",{},\"never called\"):g(u)]),\"There is none, or consol" +
  "eRoutes has no tables.\"))}catch(r){t.textContent=r instanceo" +
  "f Error?r.message:String(r)}};return o(),{root:e(\"section\",{" +
  "},e(\"h1\",{tabindex:-1},\"Shadow\"),t,e(\"section\",{class:\"panel" +
  "\"},e(\"h2\",{},\"Would have been denied, last day\"),n),e(\"secti" +
  "on\",{class:\"panel\"},e(\"h2\",{},\"On trial, and denied nothing\"" +
  "),s),e(\"p\",{},E(\"Refresh\",o),\" \",e(\"a\",{href:\"#decisions?kin" +
  "d=on%20trial\"},\"The calls\"))),update:()=>{}}}var B={now:{tit" +
  "le:\"Now\",make:se},coverage:{title:\"Coverage\",make:X},decisio" +
  "ns:{title:\"Decisions\",make:Y},limits:{title:\"Limits\",make:te" +
  "},shadow:{title:\"Shadow\",make:ie},keys:{title:\"Keys and sess" +
  "ions\",make:ee}},ae=document.querySelector(\"main\"),le=documen" +
  "t.querySelector(\"nav\"),F=document.querySelector(\"#status\"),H" +
  ",W=!1;function de(){let[t=\"\",n=\"\"]=location.hash.slice(1).sp" +
  "lit(\"?\");if(t===\"main\")return ae.focus();let s=Object.hasOwn" +
  "(B,t)?t:\"now\",o=B[s];if(o===void 0)return;let l=H!==void 0,r" +
  "=new URLSearchParams(n);H=o.make(r.get(\"request\")??void 0,r." +
  "get(\"kind\")??void 0),H.update(),ae.replaceChildren(H.root),d" +
  "ocument.title=`${o.title} \\xB7 apisec console`;for(let i of " +
  "le.querySelectorAll(\"a\"))i.hash===`#${s}`?i.setAttribute(\"ar" +
  "ia-current\",\"page\"):i.removeAttribute(\"aria-current\");l&&H.r" +
  "oot.querySelector(\"h1\")?.focus()}function Me(){W||(W=!0,requ" +
  "estAnimationFrame(()=>{W=!1,H?.update()}))}var re={live:\"Liv" +
  "e\",reconnecting:\"Reconnecting \\u2026\",denied:\"Not connected:" +
  " signed out, or too many pages are open. Reload to sign in.\"" +
  "};function Ae(t){F.textContent!==re[t]&&(F.textContent=re[t]" +
  ",F.className=t)}le.append(...Object.entries(B).map(([t,{titl" +
  "e:n}])=>e(\"a\",{href:`#${t}`},n)));addEventListener(\"hashchan" +
  "ge\",de);y.abilities=await T(\"abilities\").catch(()=>y.abiliti" +
  "es);de();G(Me,Ae);\n";
