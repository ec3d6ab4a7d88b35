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
  "(s.length===0)return e(\"p\",{class:\"empty\"},o);let d=e(\"tr\",{" +
  "},...n.map(i=>e(\"th\",{scope:\"col\"},i))),r=s.map(i=>e(\"tr\",{}" +
  ",...i.map((c,a)=>e(\"td\",{\"data-head\":n[a]},c))));return e(\"d" +
  "iv\",{class:\"scroll\",tabindex:0,role:\"region\",\"aria-label\":t}" +
  ",e(\"table\",{},e(\"caption\",{class:\"hidden\"},t),e(\"thead\",{},d" +
  "),e(\"tbody\",{},...r)))}function E(t,n,s=\"\"){let o=e(\"button\"" +
  ",{type:\"button\",class:s},t),d=async()=>{o.disabled=!0;try{aw" +
  "ait n()}finally{o.disabled=!1}};return o.addEventListener(\"c" +
  "lick\",()=>{d()}),o}function L(t,n){return e(\"label\",{class:\"" +
  "field\"},e(\"span\",{},t),n)}var pe=new Intl.NumberFormat(\"en\")" +
  ",g=t=>pe.format(t),fe=new Intl.DateTimeFormat(\"en-GB\",{timeS" +
  "tyle:\"medium\"}),he=new Intl.DateTimeFormat(\"en-GB\",{dateStyl" +
  "e:\"medium\",timeStyle:\"short\"});function S(t){if(t===void 0||" +
  "!Number.isFinite(t))return\"\\u2013\";let n=new Date(t),s=Math." +
  "abs(Date.now()-t)<432e5;return e(\"time\",{datetime:n.toISOStr" +
  "ing()},(s?fe:he).format(n))}function M(t,n,s){let o=n[0]?.[1" +
  "]??1;return k(t,[\"Name\",\"Count\",\"\"],n.map(([d,r])=>[e(\"code\"" +
  ",{},d),g(r),e(\"meter\",{min:0,max:o,value:r,\"aria-hidden\":\"tr" +
  "ue\"})]),s)}var y={abilities:{acts:!1,limits:!1,keys:!1,sessi" +
  "ons:!1},latest:void 0,seconds:new Map,events:[],left:0};func" +
  "tion ye(t){\"since\"in t?(y.seconds.clear(),y.left=0):y.left+=" +
  "t.left;let s=new Set(y.events.map(({id:r})=>r)),o=t.events.f" +
  "ilter(({id:r})=>!s.has(r));o.length>0&&(y.events=[...y.event" +
  "s,...o].slice(-1e3));for(let r of t.seconds)y.seconds.set(r[" +
  "0],r);let d=Math.floor(t.now/1e3)-300;for(let r of y.seconds" +
  ".keys())r<d&&y.seconds.delete(r);y.latest={since:y.latest?.s" +
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
  "d=>{ye(JSON.parse(d.data)),n(\"live\"),t()};s.addEventListener" +
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
  "d=e(\"div\",{}),r,i=K,c=()=>{if(r===void 0)return;let h=t.valu" +
  "e.trim().toLowerCase(),f=Q[n.value]??(()=>!0),p=r.lines.filt" +
  "er(v=>f(v)&&`${v.table} ${v.operation}`.toLowerCase().includ" +
  "es(h)),m=p.slice(0,i);b(s,`${g(m.length)} of ${g(p.length)} " +
  "operations, calls since `,S(r.since),\".\"),b(o,k(\"Operations " +
  "and what guards them\",[\"Operation\",\"Authentication\",\"Grant\"," +
  "\"Limit\",\"Input\",\"Output\",\"Other\",\"Calls\",\"Denied\"],m.map(ge)" +
  ",\"No operation is like that. Give consoleRoutes the option c" +
  "overage, if there is none at all.\"),m.length<p.length&&E(\"Sh" +
  "ow more\",()=>{i+=K,c()})),b(d,e(\"div\",{class:\"columns\"},e(\"s" +
  "ection\",{class:\"panel\"},e(\"h2\",{},\"Called, and in no table (" +
  "denied)\"),M(\"Unlisted operations\",r.unlisted,\"Nothing unlist" +
  "ed was called.\")),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"API" +
  " versions in use, last day\"),M(\"Versions\",r.versions,\"No cal" +
  "l named a version.\"))))},a=async()=>{try{r=await T(\"coverage" +
  "\"),c()}catch(h){s.textContent=String(h)}},u=()=>{i=K,c()};re" +
  "turn t.addEventListener(\"input\",u),n.addEventListener(\"chang" +
  "e\",u),a(),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Coverag" +
  "e\"),e(\"div\",{class:\"filters\",role:\"search\"},L(\"Operation\",t)" +
  ",L(\"Show\",n),E(\"Refresh\",a)),s,o,d),update:()=>{}}}function " +
  "ge(t){let{operation:n,authentication:s,grant:o,limit:d,input" +
  ":r,output:i,other:c}=t,{open:a,calls:u,denied:l}=t;return[e(" +
  "\"span\",{},e(\"code\",{},n),\" \",e(\"small\",{},t.table),t.shadow." +
  "length>0&&e(\"small\",{class:\"key act\"},`on trial: ${t.shadow." +
  "join(\", \")}`)),$(s),a?e(\"strong\",{class:\"bad\"},`open: ${o.jo" +
  "in(\", \")||\"no grant known\"}`):$(o),$(d),$(r),$(i),$(c),u===0" +
  "?e(\"small\",{},\"never\"):g(u),l===0?\"0\":e(\"span\",{class:\"bad\"}" +
  ",g(l))]}function $(t){return t.join(\", \")||\"\\u2013\"}var ve=2" +
  "00;function Y(t,n){let s=e(\"input\",{type:\"search\",placeholde" +
  "r:\"code, operation, caller \\u2026\"});t!==void 0&&(s.value=t)" +
  ";let o=e(\"select\",{},...[\"all\",\"denied\",\"failed\",\"succeeded\"" +
  ",\"acts\",\"on trial\"].map(m=>e(\"option\",{value:m},m)));n!==voi" +
  "d 0&&(o.value=n);let d=e(\"ol\",{class:\"events\",\"aria-label\":\"" +
  "Newest decisions\"}),r=e(\"p\",{class:\"told\",role:\"status\"}),i=" +
  "!1,c=[],a=E(\"Pause\",()=>{i=!i,a.textContent=i?\"Go on\":\"Pause" +
  "\",a.setAttribute(\"aria-pressed\",String(i)),i||f()}),u=new Ma" +
  "p,l=()=>{let m=s.value.trim().toLowerCase(),v=new Set(y.even" +
  "ts.map(({id:C})=>C)),P=[...c.filter(({id:C})=>!v.has(C)),..." +
  "y.events].filter(C=>be(C,o.value)&&Ee(C,m)),A=P.slice(-ve).t" +
  "oReversed();for(let C of u.keys())A.some(j=>j.id===C)||u.del" +
  "ete(C);let ce=A.map(C=>{let j=u.get(C.id)??ke(C);return u.se" +
  "t(C.id,j),j});we(d,ce);let ue=y.left>0?` ${g(y.left)} came t" +
  "oo fast to be sent.`:\"\";r.textContent=`${g(A.length)} of ${g" +
  "(P.length)} shown.${ue}`},h=async m=>{let v=`decisions?reque" +
  "st=${encodeURIComponent(m)}`;c=await T(v).catch(()=>[]),l()," +
  "d.querySelector(\"details\")?.setAttribute(\"open\",\"\")},f=()=>{" +
  "i||l()};s.addEventListener(\"input\",l),o.addEventListener(\"ch" +
  "ange\",l),t!==void 0&&h(t);let p=e(\"section\",{},e(\"h1\",{tabin" +
  "dex:-1},\"Decisions\"),e(\"form\",{class:\"filters\",role:\"search\"" +
  "},L(\"Filter\",s),L(\"Show\",o),a),r,d);return p.querySelector(\"" +
  "form\")?.addEventListener(\"submit\",m=>m.preventDefault()),{ro" +
  "ot:p,update:f}}function we(t,n){let s=new Set(n);for(let d o" +
  "f Array.from(t.children))s.has(d)||d.remove();let o=t.firstE" +
  "lementChild;for(let d of n)d===o?o=o.nextElementSibling:t.in" +
  "sertBefore(d,o)}function be(t,n){return n===\"all\"?!0:n===\"ac" +
  "ts\"?t.kind===\"act\":n===\"on trial\"?t.wouldDeny!==void 0:t.kin" +
  "d===\"decision\"&&t.outcome===n}function Ee(t,n){if(n===\"\")ret" +
  "urn!0;let{operation:s,code:o,policy:d,principal:r,peer:i,req" +
  "uestId:c,act:a,tenant:u,client:l}=t;return[s,o,d,r,i,c,a,u,l" +
  "].some(h=>h?.toLowerCase().includes(n)===!0)}function ke(t){" +
  "let{outcome:n,operation:s,code:o,policy:d,act:r,subject:i,pr" +
  "incipal:c,peer:a,kind:u}=t,l=e(\"details\",{},e(\"summary\",{},S" +
  "(t.time),e(\"span\",{class:`key ${u===\"act\"?\"act\":n}`},u===\"ac" +
  "t\"?\"act\":n),e(\"span\",{class:\"operation\"},r??s??\"unknown oper" +
  "ation\"),e(\"code\",{},o??\"\"),e(\"span\",{class:\"who\"},i??c??a??\"" +
  "unknown caller\")));return l.addEventListener(\"toggle\",()=>{l" +
  ".open&&l.children.length===1&&l.append(Le(t,d))}),e(\"li\",{}," +
  "l)}function Le(t,n){let{requestId:s,trace:o=[],wouldDeny:d=[" +
  "],degraded:r=[],target:i,data:c}=t,a=[[\"Denied by\",n&&`${n}:" +
  " ${t.code??\"\"} (${t.denialKind??\"\"})`],[\"Reason, for operato" +
  "rs\",t.cause??t.reason],[\"Would be denied by\",d.join(\", \")],[" +
  "\"Degraded\",r.join(\", \")],[\"Target\",i&&`${i.type} ${i.id}`],[" +
  "\"Data\",c&&JSON.stringify(c)],[\"Event\",`${t.event} (${t.sever" +
  "ity})`],[\"Protocol\",[t.protocol,t.status].filter(u=>u!==void" +
  " 0).join(\" \")],[\"Principal\",t.principal],[\"Client\",t.client]" +
  ",[\"Tenant\",t.tenant],[\"API key\",t.apiKey],[\"Peer\",t.peer],[\"" +
  "Latency\",t.latencyMs===void 0?void 0:`${t.latencyMs} ms`],[\"" +
  "Request\",s&&e(\"a\",{href:`#decisions?request=${encodeURICompo" +
  "nent(s)}`},s)],[\"Trace id\",t.traceId]];return e(\"div\",{class" +
  ":\"full\"},e(\"dl\",{},...a.flatMap(([u,l])=>l===void 0||l===\"\"|" +
  "|l===!1?[]:[e(\"dt\",{},u),e(\"dd\",{},l)])),o.length>0&&e(\"h3\"," +
  "{},\"Policies that ran\"),o.length>0&&e(\"ol\",{class:\"trace\"},." +
  "..o.map(u=>e(\"li\",{class:/: denied/.test(u)?\"bad\":void 0},u)" +
  ")))}function O(t,n,s,o){let d=e(\"p\",{class:\"bad\",role:\"alert" +
  "\"}),r=e(\"button\",{type:\"submit\",class:\"danger\"},s),i=e(\"butt" +
  "on\",{type:\"button\"},\"Cancel\"),c=e(\"form\",{},e(\"h2\",{id:\"dial" +
  "og-title\"},t),...n,d,e(\"div\",{class:\"buttons\"},i,r)),a=Z(c)," +
  "u=async()=>{r.disabled=!0;try{await o(),a.close()}catch(l){d" +
  ".textContent=l instanceof Error?l.message:String(l),r.disabl" +
  "ed=!1}};i.addEventListener(\"click\",()=>a.close()),c.addEvent" +
  "Listener(\"submit\",l=>{l.preventDefault(),u()})}function R(t," +
  "...n){let s=e(\"button\",{type:\"button\"},\"Close\"),o=Z(e(\"div\"," +
  "{},e(\"h2\",{id:\"dialog-title\"},t),...n,s));s.addEventListener" +
  "(\"click\",()=>o.close())}function Z(t){let n=e(\"dialog\",{\"ari" +
  "a-labelledby\":\"dialog-title\"},t),s=document.activeElement;re" +
  "turn n.addEventListener(\"close\",()=>{n.remove(),s instanceof" +
  " HTMLElement&&s.focus()}),document.body.append(n),n.showModa" +
  "l(),n}function H(t){return t?\"\":\"It was done, but the audit " +
  "trail did not take it. Tell whoever keeps the trail.\"}functi" +
  "on ee(){let{keys:t,sessions:n}=y.abilities;return{root:e(\"se" +
  "ction\",{},e(\"h1\",{tabindex:-1},\"Keys and sessions\"),t?Ce():e" +
  "(\"p\",{class:\"empty\"},\"Give consoleRoutes the option keys to " +
  "see API keys.\"),n?Se():e(\"p\",{class:\"empty\"},\"Give consoleRo" +
  "utes the option sessions to see sessions.\")),update:()=>{}}}" +
  "function Ce(){let t=e(\"input\",{name:\"tenant\",placeholder:\"of" +
  " no tenant\"}),n=e(\"div\",{class:\"wide\",\"aria-live\":\"polite\"})" +
  ",s=[],o=async()=>{try{let{keys:a,next:u}=await x(\"keys/list\"" +
  ",{tenant:t.value,after:s.at(-1)});b(n,k(\"API keys\",[\"Name\",\"" +
  "Id\",\"Owner\",\"Status\",\"Age\",\"Last used\",\"Expires\",\"Acts\"],a.m" +
  "ap(l=>d(l)),\"There are no keys here.\"),u!==void 0&&E(\"Next\"," +
  "()=>(s.push(u),o())))}catch(a){b(n,e(\"p\",{class:\"bad\"},a ins" +
  "tanceof Error?a.message:String(a)))}},d=a=>{let{name:u,id:l," +
  "owner:h,status:f,createdAt:p,lastUsedAt:m,expiresAt:v,previo" +
  "us:w}=a,P=f===\"revoked\",A=w!==void 0&&w.until>Date.now();ret" +
  "urn[u,e(\"code\",{},l),`${h.type} ${h.id}`,e(\"span\",{class:P?\"" +
  "bad\":void 0},f,A?\", old secret still good until \":\"\",A&&S(w." +
  "until)),Te(p),S(m),S(v),y.abilities.acts&&!P&&e(\"span\",{clas" +
  "s:\"buttons\"},E(\"Rotate \\u2026\",()=>r(a)),E(\"Revoke \\u2026\",(" +
  ")=>i(a),\"danger\"))]},r=({id:a,name:u,generation:l})=>{let h=" +
  "e(\"input\",{type:\"number\",min:0,max:720,step:1,value:24,requi" +
  "red:!0});O(`Rotate the key \\u201C${u}\\u201D?`,[L(\"Hours for " +
  "which the old secret stays good\",h)],\"Rotate\",async()=>{let " +
  "f={id:a,generation:l,overlapHours:h.valueAsNumber},{key:p,re" +
  "corded:m}=await x(\"keys/rotate\",f);await o(),R(\"The new key\"" +
  ",\"It is shown once, here.\",e(\"code\",{class:\"secret\"},p),e(\"p" +
  "\",{class:\"bad\"},H(m)))})},i=({id:a,name:u})=>{let l=e(\"input" +
  "\",{maxlength:512,required:!0});O(`Revoke the key \\u201C${u}\\" +
  "u201D?`,[\"Nobody can undo this.\",L(\"Reason, for the audit tr" +
  "ail\",l)],\"Revoke\",async()=>{let{recorded:h}=await x(\"keys/re" +
  "voke\",{id:a,reason:l.value});await o(),h||R(\"Revoked\",H(h))}" +
  ")},c=e(\"form\",{class:\"filters\"},L(\"Tenant\",t),e(\"button\",{}," +
  "\"List\"));return c.addEventListener(\"submit\",a=>{a.preventDef" +
  "ault(),s=[],o()}),o(),e(\"section\",{class:\"panel\"},e(\"h2\",{}," +
  "\"API keys\"),c,n)}function Se(){let t=e(\"input\",{name:\"issuer" +
  "\",required:!0}),n=e(\"input\",{name:\"subject\",required:!0}),s=" +
  "e(\"div\",{class:\"wide\",\"aria-live\":\"polite\"}),o=()=>({issuer:" +
  "t.value,subject:n.value}),d=async()=>{let c=o();try{let a=aw" +
  "ait x(\"sessions/list\",c);b(s,k(\"Sessions\",[\"Client\",\"Began\"," +
  "\"Last seen\",\"Ends\",\"Acts\"],a.map(({handle:u,clientId:l,creat" +
  "edAt:h,seenAt:f,expiresAt:p})=>[l,S(h),S(f),S(p),y.abilities" +
  ".acts&&E(\"End \\u2026\",()=>r({...c,handle:u},\"this session\")," +
  "\"danger\")]),\"This user has no session.\"),a.length>1&&y.abili" +
  "ties.acts&&E(\"End all \\u2026\",()=>r({...c,all:!0},\"all of th" +
  "em\"),\"danger\"))}catch(a){b(s,e(\"p\",{class:\"bad\"},a instanceo" +
  "f Error?a.message:String(a)))}},r=(c,a)=>O(`End ${a}?`,[\"The" +
  " user has to sign in again.\"],\"End\",async()=>{let{recorded:u" +
  "}=await x(\"sessions/end\",c);await d(),u||R(\"Ended\",H(u))}),i" +
  "=e(\"form\",{class:\"filters\"},L(\"Issuer\",t),L(\"Subject\",n),e(\"" +
  "button\",{},\"List\"));return i.addEventListener(\"submit\",c=>{c" +
  ".preventDefault(),d()}),e(\"section\",{class:\"panel\"},e(\"h2\",{" +
  "},\"Sessions of a user\"),i,s)}function Te(t){let n=Math.floor" +
  "((Date.now()-t)/864e5);return e(\"span\",{class:n>365?\"bad\":vo" +
  "id 0},n===0?\"today\":`${n} days`)}function te(){let t=e(\"div\"" +
  ",{}),n=e(\"div\",{}),s=e(\"div\",{\"aria-live\":\"polite\"}),o=e(\"p\"" +
  ",{class:\"bad\",role:\"alert\"}),d=e(\"select\",{name:\"limit\"}),r=" +
  "e(\"input\",{name:\"key\",required:!0}),i=e(\"input\",{name:\"tenan" +
  "t\"}),c=async f=>{o.textContent=\"\";let p={limit:d.value,...f}" +
  ",m=f.alias??f.key??\"\";try{let v=await x(\"limits/read\",p);b(s" +
  ",e(\"h3\",{},`${p.limit}: ${m}`),k(\"What is left\",[\"Kind\",\"Lef" +
  "t\",\"Of\",\"\",\"Full again in\"],v.map(w=>[w.algorithm,g(Math.flo" +
  "or(w.remaining)),g(w.capacity),e(\"meter\",{min:0,max:w.capaci" +
  "ty,low:w.capacity*.2,value:w.remaining,\"aria-hidden\":\"true\"}" +
  "),`${g(Math.ceil(w.resetAfterMs/1e3))} s`]),\"This limit coun" +
  "ts nothing.\"),y.abilities.acts&&E(\"Reset \\u2026\",()=>a(p,m)," +
  "\"danger\"))}catch(v){o.textContent=v instanceof Error?v.messa" +
  "ge:String(v)}},a=(f,p)=>O(`Reset the limit of ${p}?`,[\"What " +
  "was used is forgotten.\"],\"Reset\",async()=>{let{recorded:m}=a" +
  "wait x(\"limits/reset\",f);m||R(\"Reset\",H(m)),await c(f)}),u=a" +
  "sync()=>{try{let f=await T(\"limits\"),p=d.value;b(d,...f.limi" +
  "ts.map(m=>e(\"option\",{},m))),f.limits.includes(p)&&(d.value=" +
  "p),b(t,k(\"Callers who call most\",[\"Caller\",\"Calls\",\"Denied\"," +
  "\"\"],f.hottest.map(({alias:m,calls:v,denied:w})=>[e(\"code\",{}" +
  ",m),g(v),w>0?e(\"span\",{class:\"bad\"},g(w)):\"0\",f.limits.lengt" +
  "h>0&&E(\"Look\",()=>c({alias:m}))]),\"Nobody called in the last" +
  " minutes.\")),b(n,k(\"Limits that would fit\",[\"Operation\",\"Cal" +
  "ls of a caller in a minute\",\"Learned from\"],f.suggested.map(" +
  "({operation:m,perMinute:v,observations:w})=>[e(\"code\",{},m)," +
  "g(v),`${g(w)} minutes of callers`]),\"Nothing was learned yet" +
  ": give consoleRoutes the option usage, and it some minutes.\"" +
  "))}catch(f){o.textContent=String(f)}};u();let l=e(\"form\",{cl" +
  "ass:\"filters\"},L(\"Limit\",d),L(\"Caller, as the limit counts i" +
  "t\",r),L(\"Tenant\",i),e(\"button\",{},\"Look\"));return l.addEvent" +
  "Listener(\"submit\",f=>{f.preventDefault(),c({key:r.value,...i" +
  ".value!==\"\"&&{tenant:i.value}})}),{root:e(\"section\",{},e(\"h1" +
  "\",{tabindex:-1},\"Limits\"),e(\"div\",{class:\"columns\"},e(\"secti" +
  "on\",{class:\"panel\"},e(\"h2\",{},\"Hottest callers, last minutes" +
  "\"),t,E(\"Refresh\",u)),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"" +
  "What is left to a caller\"),y.abilities.limits?l:e(\"p\",{class" +
  ":\"empty\"},\"Give consoleRoutes the option limits.\"),o,s),e(\"s" +
  "ection\",{class:\"panel\"},e(\"h2\",{},\"Suggested limits\"),n))),u" +
  "pdate:()=>{}}}var V=120,U=120,D=[\"succeeded\",\"denied\",\"faile" +
  "d\",\"aborted\"];function se(){let t=e(\"dl\",{class:\"tiles\"}),n=" +
  "e(\"figure\",{}),s=e(\"div\",{}),o=e(\"div\",{});return{root:e(\"se" +
  "ction\",{},e(\"h1\",{tabindex:-1},\"Now\"),t,n,e(\"div\",{class:\"co" +
  "lumns\"},ne(\"Denials by code, last minutes\",s),ne(\"Health\",o)" +
  ")),update:()=>{let{latest:i}=y;if(i===void 0)return;let c=Ma" +
  "th.floor(i.now/1e3),a=Array.from({length:V},(p,m)=>{let[,..." +
  "v]=y.seconds.get(c-V+m)??[0,0,0,0,0];return v}),u=D.map((p,m" +
  ")=>a.reduce((v,w)=>v+(w[m]??0),0)),h=a.slice(-10).flat().red" +
  "uce((p,m)=>p+m,0)/10;t.replaceChildren(...oe(\"Decisions a se" +
  "cond\",h<10?h.toFixed(1):g(Math.round(h))),...D.flatMap((p,m)" +
  "=>oe(`${p}, 2 min`,g(u[m]??0),p))),n.replaceChildren(xe(a,u)" +
  ",e(\"figcaption\",{},\"The last two minutes. \",...D.flatMap(p=>" +
  "[e(\"span\",{class:`key ${p}`},p),\" \"]))),s.replaceChildren(M(" +
  "\"Codes\",i.codes,\"Nothing was denied.\"));let f=i.sinks.filter" +
  "(({healthy:p,lost:m})=>!p||m>0);b(o,f.length===0&&i.degraded" +
  ".length===0?e(\"p\",{class:\"good\"},\"\\u2713 No store or sink is" +
  " degraded.\"):M(\"Degraded\",i.degraded,\"No decision is degrade" +
  "d.\"),k(\"Sinks of the audit trail\",[\"Sink\",\"State\",\"Waiting\"," +
  "\"Lost\"],i.sinks.map(({name:p,healthy:m,queued:v,lost:w})=>[p" +
  ",m?\"ok\":e(\"strong\",{class:\"bad\"},\"failing\"),g(v),w>0?e(\"stro" +
  "ng\",{class:\"bad\"},g(w)):\"0\"]),\"There are no sinks.\"),i.shado" +
  "w.length>0&&e(\"h3\",{},\"Policies on trial would have denied, " +
  "last day\"),i.shadow.length>0&&M(\"Shadow\",i.shadow,\"\"))}}}fun" +
  "ction ne(t,n){return e(\"section\",{class:\"panel\"},e(\"h2\",{},t" +
  "),n)}function oe(t,n,s=\"\"){return[e(\"div\",{class:`tile ${s}`" +
  "},e(\"dt\",{},t),e(\"dd\",{},n))]}function xe(t,n){let s=Math.ma" +
  "x(1,...t.map(i=>i.reduce((c,a)=>c+a,0))),o=i=>(U-i/s*U).toFi" +
  "xed(1),d=D.map((i,c)=>{let a=l=>l.slice(0,c).reduce((h,f)=>h" +
  "+f,0),u=t.map((l,h)=>{let[f,p]=[a(l),l[c]??0];return p===0?\"" +
  "\":`M${h} ${o(f)}V${o(f+p)}h.85V${o(f)}z`});return I(\"path\",{" +
  "class:i,d:u.join(\"\")})}),r=D.map((i,c)=>`${n[c]} ${i}`).join" +
  "(\", \");return I(\"svg\",{class:\"chart\",viewBox:`0 0 ${V} ${U}`" +
  ",preserveAspectRatio:\"none\",role:\"img\",\"aria-label\":`Decisio" +
  "ns in each of the last ${V} seconds: ${r}; at most ${s} in o" +
  "ne second.`},...d)}function ie(){let t=e(\"p\",{class:\"told\",r" +
  "ole:\"status\"},\"Loading \\u2026\"),n=e(\"div\",{class:\"wide\"}),s=" +
  "e(\"div\",{class:\"wide\"}),o=async()=>{try{let r=await T(\"shado" +
  "w\"),i=r.trials.reduce((c,a)=>c+a.admitted,0);t.textContent=`" +
  "Calls of the last day that were let in, and that policies on" +
  " trial would have denied: ${g(i)}.`,b(n,k(\"What policies on " +
  "trial would have denied\",[\"Operation\",\"Policy\",\"Code\",\"Would" +
  " be denied\",\"Of them let in\"],r.trials.map(({operation:c,pol" +
  "icy:a,code:u,would:l,admitted:h})=>[e(\"code\",{},c),a,e(\"code" +
  "\",{},u),g(l),h>0?e(\"strong\",{class:\"bad\"},g(h)):\"0\"]),\"No po" +
  "licy on trial would have denied a call.\")),b(s,k(\"Policies o" +
  "n trial that would have denied nothing\",[\"Operation\",\"Policy" +
  "\",\"Calls since the feed began\"],r.silent.map(({operation:c,t" +
  "able:a,policy:u,calls:l})=>[e(\"span\",{},e(\"code\",{},c),\" \",e" +
  "(\"small\",{},a)),u,l===0?e(\"small\",{},\"never called\"):g(l)])," +
  "\"There is none, or consoleRoutes has no tables.\"))}catch(r){" +
  "t.textContent=r instanceof Error?r.message:String(r)}};retur" +
  "n o(),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Shadow\"),t," +
  "e(\"section\",{class:\"panel\"},e(\"h2\",{},\"Would have been denie" +
  "d, last day\"),n),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"On t" +
  "rial, and denied nothing\"),s),e(\"p\",{},E(\"Refresh\",o),\" \",e(" +
  "\"a\",{href:\"#decisions?kind=on%20trial\"},\"The calls\"))),updat" +
  "e:()=>{}}}var B={now:{title:\"Now\",make:se},coverage:{title:\"" +
  "Coverage\",make:X},decisions:{title:\"Decisions\",make:Y},limit" +
  "s:{title:\"Limits\",make:te},shadow:{title:\"Shadow\",make:ie},k" +
  "eys:{title:\"Keys and sessions\",make:ee}},ae=document.querySe" +
  "lector(\"main\"),le=document.querySelector(\"nav\"),F=document.q" +
  "uerySelector(\"#status\"),N,W=!1;function de(){let[t=\"\",n=\"\"]=" +
  "location.hash.slice(1).split(\"?\");if(t===\"main\")return ae.fo" +
  "cus();let s=Object.hasOwn(B,t)?t:\"now\",o=B[s];if(o===void 0)" +
  "return;let d=N!==void 0,r=new URLSearchParams(n);N=o.make(r." +
  "get(\"request\")??void 0,r.get(\"kind\")??void 0),N.update(),ae." +
  "replaceChildren(N.root),document.title=`${o.title} \\xB7 apis" +
  "ec console`;for(let i of le.querySelectorAll(\"a\"))i.hash===`" +
  "#${s}`?i.setAttribute(\"aria-current\",\"page\"):i.removeAttribu" +
  "te(\"aria-current\");d&&N.root.querySelector(\"h1\")?.focus()}fu" +
  "nction Me(){W||(W=!0,requestAnimationFrame(()=>{W=!1,N?.upda" +
  "te()}))}var re={live:\"Live\",reconnecting:\"Reconnecting \\u202" +
  "6\",denied:\"Not connected: signed out, or too many pages are " +
  "open. Reload to sign in.\"};function Ae(t){F.textContent!==re" +
  "[t]&&(F.textContent=re[t],F.className=t)}le.append(...Object" +
  ".entries(B).map(([t,{title:n}])=>e(\"a\",{href:`#${t}`},n)));a" +
  "ddEventListener(\"hashchange\",de);y.abilities=await T(\"abilit" +
  "ies\").catch(()=>y.abilities);de();G(Me,Ae);\n";
