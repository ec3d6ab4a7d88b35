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
  "rn J(o,n),o.append(...q(s)),o}var ce=\"http://www.w3.org/2000" +
  "/svg\";function V(t,n,...s){let o=document.createElementNS(ce" +
  ",t);return J(o,n),o.append(...q(s)),o}function w(t,...n){t.r" +
  "eplaceChildren(...q(n))}function J(t,n){for(let[s,o]of Objec" +
  "t.entries(n))o!==void 0&&o!==!1&&t.setAttribute(s,o===!0?\"\":" +
  "String(o))}function q(t){return t.flatMap(n=>n===void 0||n==" +
  "=!1?[]:[typeof n==\"number\"?`${n}`:n])}function T(t,n,s,o){if" +
  "(s.length===0)return e(\"p\",{class:\"empty\"},o);let l=e(\"tr\",{" +
  "},...n.map(r=>e(\"th\",{scope:\"col\"},r))),a=s.map(r=>e(\"tr\",{}" +
  ",...r.map((c,i)=>e(\"td\",{\"data-head\":n[i]},c))));return e(\"d" +
  "iv\",{class:\"scroll\",tabindex:0,role:\"region\",\"aria-label\":t}" +
  ",e(\"table\",{},e(\"caption\",{class:\"hidden\"},t),e(\"thead\",{},l" +
  "),e(\"tbody\",{},...a)))}function k(t,n,s=\"\"){let o=e(\"button\"" +
  ",{type:\"button\",class:s},t),l=async()=>{o.disabled=!0;try{aw" +
  "ait n()}finally{o.disabled=!1}};return o.addEventListener(\"c" +
  "lick\",()=>{l()}),o}function E(t,n){return e(\"label\",{class:\"" +
  "field\"},e(\"span\",{},t),n)}var ue=new Intl.NumberFormat(\"en\")" +
  ",v=t=>ue.format(t),me=new Intl.DateTimeFormat(\"en-GB\",{timeS" +
  "tyle:\"medium\"}),pe=new Intl.DateTimeFormat(\"en-GB\",{dateStyl" +
  "e:\"medium\",timeStyle:\"short\"});function S(t){if(t===void 0||" +
  "!Number.isFinite(t))return\"\\u2013\";let n=new Date(t),s=Math." +
  "abs(Date.now()-t)<432e5;return e(\"time\",{datetime:n.toISOStr" +
  "ing()},(s?me:pe).format(n))}function x(t,n,s){let o=n[0]?.[1" +
  "]??1;return T(t,[\"Name\",\"Count\",\"\"],n.map(([l,a])=>[e(\"code\"" +
  ",{},l),v(a),e(\"meter\",{min:0,max:o,value:a,\"aria-hidden\":\"tr" +
  "ue\"})]),s)}var y={abilities:{acts:!1,limits:!1,keys:!1,sessi" +
  "ons:!1},latest:void 0,seconds:new Map,events:[],left:0};func" +
  "tion fe(t){\"since\"in t?(y.seconds.clear(),y.left=0):y.left+=" +
  "t.left;let s=new Set(y.events.map(({id:a})=>a)),o=t.events.f" +
  "ilter(({id:a})=>!s.has(a));o.length>0&&(y.events=[...y.event" +
  "s,...o].slice(-1e3));for(let a of t.seconds)y.seconds.set(a[" +
  "0],a);let l=Math.floor(t.now/1e3)-300;for(let a of y.seconds" +
  ".keys())a<l&&y.seconds.delete(a);y.latest={since:y.latest?.s" +
  "ince??t.now,...t}}var _=new URL(\".\",location.href);async fun" +
  "ction M(t){let n=await fetch(new URL(t,_));if(!n.ok)throw ne" +
  "w Error(await z(n));return await n.json()}async function C(t" +
  ",n){let s=await fetch(new URL(t,_),{method:\"POST\",headers:{\"" +
  "content-type\":\"application/json\"},body:JSON.stringify(n)});i" +
  "f(!s.ok)throw new Error(await z(s));return await s.json()}as" +
  "ync function z(t){let n=await t.json().catch(()=>({}));retur" +
  "n`${typeof n.detail==\"string\"?n.detail:\"That did not work.\"}" +
  " (${t.status}${typeof n.code==\"string\"?`, ${n.code}`:\"\"})`}f" +
  "unction G(t,n){let s=new EventSource(new URL(\"events\",_)),o=" +
  "l=>{fe(JSON.parse(l.data)),n(\"live\"),t()};s.addEventListener" +
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
  "l=e(\"div\",{}),a,r=K,c=()=>{if(a===void 0)return;let h=t.valu" +
  "e.trim().toLowerCase(),p=Q[n.value]??(()=>!0),u=a.lines.filt" +
  "er(b=>p(b)&&`${b.table} ${b.operation}`.toLowerCase().includ" +
  "es(h)),f=u.slice(0,r);w(s,`${v(f.length)} of ${v(u.length)} " +
  "operations, calls since `,S(a.since),\".\"),w(o,T(\"Operations " +
  "and what guards them\",[\"Operation\",\"Authentication\",\"Grant\"," +
  "\"Limit\",\"Input\",\"Output\",\"Calls\",\"Denied\"],f.map(he),\"No ope" +
  "ration is like that. Give consoleRoutes the option coverage," +
  " if there is none at all.\"),f.length<u.length&&k(\"Show more\"" +
  ",()=>{r+=K,c()})),w(l,e(\"div\",{class:\"columns\"},e(\"section\"," +
  "{class:\"panel\"},e(\"h2\",{},\"Called, and in no table (denied)\"" +
  "),x(\"Unlisted operations\",a.unlisted,\"Nothing unlisted was c" +
  "alled.\")),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"API version" +
  "s in use, last day\"),x(\"Versions\",a.versions,\"No call named " +
  "a version.\"))))},i=async()=>{try{a=await M(\"coverage\"),c()}c" +
  "atch(h){s.textContent=String(h)}},d=()=>{r=K,c()};return t.a" +
  "ddEventListener(\"input\",d),n.addEventListener(\"change\",d),i(" +
  "),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"Coverage\"),e(\"d" +
  "iv\",{class:\"filters\",role:\"search\"},E(\"Operation\",t),E(\"Show" +
  "\",n),k(\"Refresh\",i)),s,o,l),update:()=>{}}}function he(t){le" +
  "t{operation:n,authentication:s,grant:o,limit:l,input:a,outpu" +
  "t:r,open:c,calls:i,denied:d}=t;return[e(\"span\",{},e(\"code\",{" +
  "},n),\" \",e(\"small\",{},t.table),t.shadow.length>0&&e(\"small\"," +
  "{class:\"key act\"},`on trial: ${t.shadow.join(\", \")}`)),N(s)," +
  "c?e(\"strong\",{class:\"bad\"},`open: ${o.join(\", \")||\"no grant " +
  "known\"}`):N(o),N(l),N(a),N(r),i===0?e(\"small\",{},\"never\"):v(" +
  "i),d===0?\"0\":e(\"span\",{class:\"bad\"},v(d))]}function N(t){ret" +
  "urn t.join(\", \")||\"\\u2013\"}var ye=200;function Y(t){let n=e(" +
  "\"input\",{type:\"search\",placeholder:\"code, operation, caller " +
  "\\u2026\"});t!==void 0&&(n.value=t);let s=e(\"select\",{},...[\"a" +
  "ll\",\"denied\",\"failed\",\"succeeded\",\"acts\",\"on trial\"].map(u=>" +
  "e(\"option\",{value:u},u))),o=e(\"ol\",{class:\"events\",\"aria-lab" +
  "el\":\"Newest decisions\"}),l=e(\"p\",{class:\"told\",role:\"status\"" +
  "}),a=!1,r=[],c=k(\"Pause\",()=>{a=!a,c.textContent=a?\"Go on\":\"" +
  "Pause\",c.setAttribute(\"aria-pressed\",String(a)),a||h()}),i=n" +
  "ew Map,d=()=>{let u=n.value.trim().toLowerCase(),f=new Set(y" +
  ".events.map(({id:L})=>L)),g=[...r.filter(({id:L})=>!f.has(L)" +
  "),...y.events].filter(L=>ve(L,s.value)&&be(L,u)),$=g.slice(-" +
  "ye).toReversed();for(let L of i.keys())$.some(j=>j.id===L)||" +
  "i.delete(L);let P=$.map(L=>{let j=i.get(L.id)??we(L);return " +
  "i.set(L.id,j),j});ge(o,P);let de=y.left>0?` ${v(y.left)} cam" +
  "e too fast to be sent.`:\"\";l.textContent=`${v($.length)} of " +
  "${v(g.length)} shown.${de}`},m=async u=>{let f=`decisions?re" +
  "quest=${encodeURIComponent(u)}`;r=await M(f).catch(()=>[]),d" +
  "(),o.querySelector(\"details\")?.setAttribute(\"open\",\"\")},h=()" +
  "=>{a||d()};n.addEventListener(\"input\",d),s.addEventListener(" +
  "\"change\",d),t!==void 0&&m(t);let p=e(\"section\",{},e(\"h1\",{ta" +
  "bindex:-1},\"Decisions\"),e(\"form\",{class:\"filters\",role:\"sear" +
  "ch\"},E(\"Filter\",n),E(\"Show\",s),c),l,o);return p.querySelecto" +
  "r(\"form\")?.addEventListener(\"submit\",u=>u.preventDefault())," +
  "{root:p,update:h}}function ge(t,n){let s=new Set(n);for(let " +
  "l of Array.from(t.children))s.has(l)||l.remove();let o=t.fir" +
  "stElementChild;for(let l of n)l===o?o=o.nextElementSibling:t" +
  ".insertBefore(l,o)}function ve(t,n){return n===\"all\"?!0:n===" +
  "\"acts\"?t.kind===\"act\":n===\"on trial\"?t.wouldDeny!==void 0:t." +
  "kind===\"decision\"&&t.outcome===n}function be(t,n){if(n===\"\")" +
  "return!0;let{operation:s,code:o,policy:l,principal:a,peer:r," +
  "requestId:c,act:i,tenant:d,client:m}=t;return[s,o,l,a,r,c,i," +
  "d,m].some(h=>h?.toLowerCase().includes(n)===!0)}function we(" +
  "t){let{outcome:n,operation:s,code:o,policy:l,act:a,subject:r" +
  ",principal:c,peer:i,kind:d}=t,m=e(\"details\",{},e(\"summary\",{" +
  "},S(t.time),e(\"span\",{class:`key ${d===\"act\"?\"act\":n}`},d===" +
  "\"act\"?\"act\":n),e(\"span\",{class:\"operation\"},a??s??\"unknown o" +
  "peration\"),e(\"code\",{},o??\"\"),e(\"span\",{class:\"who\"},r??c??i" +
  "??\"unknown caller\")));return m.addEventListener(\"toggle\",()=" +
  ">{m.open&&m.children.length===1&&m.append(Ee(t,l))}),e(\"li\"," +
  "{},m)}function Ee(t,n){let{requestId:s,trace:o=[],wouldDeny:" +
  "l=[],degraded:a=[],target:r,data:c}=t,i=[[\"Denied by\",n&&`${" +
  "n}: ${t.code??\"\"} (${t.denialKind??\"\"})`],[\"Reason, for oper" +
  "ators\",t.cause??t.reason],[\"Would be denied by\",l.join(\", \")" +
  "],[\"Degraded\",a.join(\", \")],[\"Target\",r&&`${r.type} ${r.id}`" +
  "],[\"Data\",c&&JSON.stringify(c)],[\"Event\",`${t.event} (${t.se" +
  "verity})`],[\"Protocol\",[t.protocol,t.status].filter(d=>d!==v" +
  "oid 0).join(\" \")],[\"Principal\",t.principal],[\"Client\",t.clie" +
  "nt],[\"Tenant\",t.tenant],[\"API key\",t.apiKey],[\"Peer\",t.peer]" +
  ",[\"Latency\",t.latencyMs===void 0?void 0:`${t.latencyMs} ms`]" +
  ",[\"Request\",s&&e(\"a\",{href:`#decisions?request=${encodeURICo" +
  "mponent(s)}`},s)],[\"Trace id\",t.traceId]];return e(\"div\",{cl" +
  "ass:\"full\"},e(\"dl\",{},...i.flatMap(([d,m])=>m===void 0||m===" +
  "\"\"||m===!1?[]:[e(\"dt\",{},d),e(\"dd\",{},m)])),o.length>0&&e(\"h" +
  "3\",{},\"Policies that ran\"),o.length>0&&e(\"ol\",{class:\"trace\"" +
  "},...o.map(d=>e(\"li\",{class:/: denied/.test(d)?\"bad\":void 0}" +
  ",d))))}function A(t,n,s,o){let l=e(\"p\",{class:\"bad\",role:\"al" +
  "ert\"}),a=e(\"button\",{type:\"submit\",class:\"danger\"},s),r=e(\"b" +
  "utton\",{type:\"button\"},\"Cancel\"),c=e(\"form\",{},e(\"h2\",{id:\"d" +
  "ialog-title\"},t),...n,l,e(\"div\",{class:\"buttons\"},r,a)),i=Z(" +
  "c),d=async()=>{a.disabled=!0;try{await o(),i.close()}catch(m" +
  "){l.textContent=m instanceof Error?m.message:String(m),a.dis" +
  "abled=!1}};r.addEventListener(\"click\",()=>i.close()),c.addEv" +
  "entListener(\"submit\",m=>{m.preventDefault(),d()})}function O" +
  "(t,...n){let s=e(\"button\",{type:\"button\"},\"Close\"),o=Z(e(\"di" +
  "v\",{},e(\"h2\",{id:\"dialog-title\"},t),...n,s));s.addEventListe" +
  "ner(\"click\",()=>o.close())}function Z(t){let n=e(\"dialog\",{\"" +
  "aria-labelledby\":\"dialog-title\"},t),s=document.activeElement" +
  ";return n.addEventListener(\"close\",()=>{n.remove(),s instanc" +
  "eof HTMLElement&&s.focus()}),document.body.append(n),n.showM" +
  "odal(),n}function R(t){return t?\"\":\"It was done, but the aud" +
  "it trail did not take it. Tell whoever keeps the trail.\"}fun" +
  "ction ee(){let{keys:t,sessions:n}=y.abilities;return{root:e(" +
  "\"section\",{},e(\"h1\",{tabindex:-1},\"Keys and sessions\"),t?ke(" +
  "):e(\"p\",{class:\"empty\"},\"Give consoleRoutes the option keys " +
  "to see API keys.\"),n?Le():e(\"p\",{class:\"empty\"},\"Give consol" +
  "eRoutes the option sessions to see sessions.\")),update:()=>{" +
  "}}}function ke(){let t=e(\"input\",{name:\"tenant\",placeholder:" +
  "\"of no tenant\"}),n=e(\"div\",{class:\"wide\",\"aria-live\":\"polite" +
  "\"}),s=[],o=async()=>{try{let{keys:i,next:d}=await C(\"keys/li" +
  "st\",{tenant:t.value,after:s.at(-1)});w(n,T(\"API keys\",[\"Name" +
  "\",\"Id\",\"Owner\",\"Status\",\"Age\",\"Last used\",\"Expires\",\"Acts\"]," +
  "i.map(m=>l(m)),\"There are no keys here.\"),d!==void 0&&k(\"Nex" +
  "t\",()=>(s.push(d),o())))}catch(i){w(n,e(\"p\",{class:\"bad\"},i " +
  "instanceof Error?i.message:String(i)))}},l=i=>{let{name:d,id" +
  ":m,owner:h,status:p,createdAt:u,lastUsedAt:f,expiresAt:b,pre" +
  "vious:g}=i,$=p===\"revoked\",P=g!==void 0&&g.until>Date.now();" +
  "return[d,e(\"code\",{},m),`${h.type} ${h.id}`,e(\"span\",{class:" +
  "$?\"bad\":void 0},p,P?\", old secret still good until \":\"\",P&&S" +
  "(g.until)),Te(u),S(f),S(b),y.abilities.acts&&!$&&e(\"span\",{c" +
  "lass:\"buttons\"},k(\"Rotate \\u2026\",()=>a(i)),k(\"Revoke \\u2026" +
  "\",()=>r(i),\"danger\"))]},a=({id:i,name:d,generation:m})=>{let" +
  " h=e(\"input\",{type:\"number\",min:0,max:720,step:1,value:24,re" +
  "quired:!0});A(`Rotate the key \\u201C${d}\\u201D?`,[E(\"Hours f" +
  "or which the old secret stays good\",h)],\"Rotate\",async()=>{l" +
  "et p={id:i,generation:m,overlapHours:h.valueAsNumber},{key:u" +
  ",recorded:f}=await C(\"keys/rotate\",p);await o(),O(\"The new k" +
  "ey\",\"It is shown once, here.\",e(\"code\",{class:\"secret\"},u),e" +
  "(\"p\",{class:\"bad\"},R(f)))})},r=({id:i,name:d})=>{let m=e(\"in" +
  "put\",{maxlength:512,required:!0});A(`Revoke the key \\u201C${" +
  "d}\\u201D?`,[\"Nobody can undo this.\",E(\"Reason, for the audit" +
  " trail\",m)],\"Revoke\",async()=>{let{recorded:h}=await C(\"keys" +
  "/revoke\",{id:i,reason:m.value});await o(),h||O(\"Revoked\",R(h" +
  "))})},c=e(\"form\",{class:\"filters\"},E(\"Tenant\",t),e(\"button\"," +
  "{},\"List\"));return c.addEventListener(\"submit\",i=>{i.prevent" +
  "Default(),s=[],o()}),o(),e(\"section\",{class:\"panel\"},e(\"h2\"," +
  "{},\"API keys\"),c,n)}function Le(){let t=e(\"input\",{name:\"iss" +
  "uer\",required:!0}),n=e(\"input\",{name:\"subject\",required:!0})" +
  ",s=e(\"div\",{class:\"wide\",\"aria-live\":\"polite\"}),o=()=>({issu" +
  "er:t.value,subject:n.value}),l=async()=>{let c=o();try{let i" +
  "=await C(\"sessions/list\",c);w(s,T(\"Sessions\",[\"Client\",\"Bega" +
  "n\",\"Last seen\",\"Ends\",\"Acts\"],i.map(({handle:d,clientId:m,cr" +
  "eatedAt:h,seenAt:p,expiresAt:u})=>[m,S(h),S(p),S(u),y.abilit" +
  "ies.acts&&k(\"End \\u2026\",()=>a({...c,handle:d},\"this session" +
  "\"),\"danger\")]),\"This user has no session.\"),i.length>1&&y.ab" +
  "ilities.acts&&k(\"End all \\u2026\",()=>a({...c,all:!0},\"all of" +
  " them\"),\"danger\"))}catch(i){w(s,e(\"p\",{class:\"bad\"},i instan" +
  "ceof Error?i.message:String(i)))}},a=(c,i)=>A(`End ${i}?`,[\"" +
  "The user has to sign in again.\"],\"End\",async()=>{let{recorde" +
  "d:d}=await C(\"sessions/end\",c);await l(),d||O(\"Ended\",R(d))}" +
  "),r=e(\"form\",{class:\"filters\"},E(\"Issuer\",t),E(\"Subject\",n)," +
  "e(\"button\",{},\"List\"));return r.addEventListener(\"submit\",c=" +
  ">{c.preventDefault(),l()}),e(\"section\",{class:\"panel\"},e(\"h2" +
  "\",{},\"Sessions of a user\"),r,s)}function Te(t){let n=Math.fl" +
  "oor((Date.now()-t)/864e5);return e(\"span\",{class:n>365?\"bad\"" +
  ":void 0},n===0?\"today\":`${n} days`)}function te(){let t=e(\"d" +
  "iv\",{}),n=e(\"div\",{}),s=e(\"div\",{\"aria-live\":\"polite\"}),o=e(" +
  "\"p\",{class:\"bad\",role:\"alert\"}),l=e(\"select\",{name:\"limit\"})" +
  ",a=e(\"input\",{name:\"key\",required:!0}),r=e(\"input\",{name:\"te" +
  "nant\"}),c=async p=>{o.textContent=\"\";let u={limit:l.value,.." +
  ".p},f=p.alias??p.key??\"\";try{let b=await C(\"limits/read\",u);" +
  "w(s,e(\"h3\",{},`${u.limit}: ${f}`),T(\"What is left\",[\"Kind\",\"" +
  "Left\",\"Of\",\"\",\"Full again in\"],b.map(g=>[g.algorithm,v(Math." +
  "floor(g.remaining)),v(g.capacity),e(\"meter\",{min:0,max:g.cap" +
  "acity,low:g.capacity*.2,value:g.remaining,\"aria-hidden\":\"tru" +
  "e\"}),`${v(Math.ceil(g.resetAfterMs/1e3))} s`]),\"This limit c" +
  "ounts nothing.\"),y.abilities.acts&&k(\"Reset \\u2026\",()=>i(u," +
  "f),\"danger\"))}catch(b){o.textContent=b instanceof Error?b.me" +
  "ssage:String(b)}},i=(p,u)=>A(`Reset the limit of ${u}?`,[\"Wh" +
  "at was used is forgotten.\"],\"Reset\",async()=>{let{recorded:f" +
  "}=await C(\"limits/reset\",p);f||O(\"Reset\",R(f)),await c(p)})," +
  "d=async()=>{try{let p=await M(\"limits\"),u=l.value;w(l,...p.l" +
  "imits.map(f=>e(\"option\",{},f))),p.limits.includes(u)&&(l.val" +
  "ue=u),w(t,T(\"Callers who call most\",[\"Caller\",\"Calls\",\"Denie" +
  "d\",\"\"],p.hottest.map(({alias:f,calls:b,denied:g})=>[e(\"code\"" +
  ",{},f),v(b),g>0?e(\"span\",{class:\"bad\"},v(g)):\"0\",p.limits.le" +
  "ngth>0&&k(\"Look\",()=>c({alias:f}))]),\"Nobody called in the l" +
  "ast minutes.\")),w(n,T(\"Limits that would fit\",[\"Operation\",\"" +
  "Calls of a caller in a minute\",\"Learned from\"],p.suggested.m" +
  "ap(({operation:f,perMinute:b,observations:g})=>[e(\"code\",{}," +
  "f),v(b),`${v(g)} minutes of callers`]),\"Nothing was learned " +
  "yet: give consoleRoutes the option usage, and it some minute" +
  "s.\"))}catch(p){o.textContent=String(p)}};d();let m=e(\"form\"," +
  "{class:\"filters\"},E(\"Limit\",l),E(\"Caller, as the limit count" +
  "s it\",a),E(\"Tenant\",r),e(\"button\",{},\"Look\"));return m.addEv" +
  "entListener(\"submit\",p=>{p.preventDefault(),c({key:a.value,." +
  "..r.value!==\"\"&&{tenant:r.value}})}),{root:e(\"section\",{},e(" +
  "\"h1\",{tabindex:-1},\"Limits\"),e(\"div\",{class:\"columns\"},e(\"se" +
  "ction\",{class:\"panel\"},e(\"h2\",{},\"Hottest callers, last minu" +
  "tes\"),t,k(\"Refresh\",d)),e(\"section\",{class:\"panel\"},e(\"h2\",{" +
  "},\"What is left to a caller\"),y.abilities.limits?m:e(\"p\",{cl" +
  "ass:\"empty\"},\"Give consoleRoutes the option limits.\"),o,s),e" +
  "(\"section\",{class:\"panel\"},e(\"h2\",{},\"Suggested limits\"),n))" +
  "),update:()=>{}}}var I=120,U=120,D=[\"succeeded\",\"denied\",\"fa" +
  "iled\",\"aborted\"];function se(){let t=e(\"dl\",{class:\"tiles\"})" +
  ",n=e(\"figure\",{}),s=e(\"div\",{}),o=e(\"div\",{});return{root:e(" +
  "\"section\",{},e(\"h1\",{tabindex:-1},\"Now\"),t,n,e(\"div\",{class:" +
  "\"columns\"},ne(\"Denials by code, last minutes\",s),ne(\"Health\"" +
  ",o))),update:()=>{let{latest:r}=y;if(r===void 0)return;let c" +
  "=Math.floor(r.now/1e3),i=Array.from({length:I},(u,f)=>{let[," +
  "...b]=y.seconds.get(c-I+f)??[0,0,0,0,0];return b}),d=D.map((" +
  "u,f)=>i.reduce((b,g)=>b+(g[f]??0),0)),h=i.slice(-10).flat()." +
  "reduce((u,f)=>u+f,0)/10;t.replaceChildren(...oe(\"Decisions a" +
  " second\",h<10?h.toFixed(1):v(Math.round(h))),...D.flatMap((u" +
  ",f)=>oe(`${u}, 2 min`,v(d[f]??0),u))),n.replaceChildren(Se(i" +
  ",d),e(\"figcaption\",{},\"The last two minutes. \",...D.flatMap(" +
  "u=>[e(\"span\",{class:`key ${u}`},u),\" \"]))),s.replaceChildren" +
  "(x(\"Codes\",r.codes,\"Nothing was denied.\"));let p=r.sinks.fil" +
  "ter(({healthy:u,lost:f})=>!u||f>0);w(o,p.length===0&&r.degra" +
  "ded.length===0?e(\"p\",{class:\"good\"},\"\\u2713 No store or sink" +
  " is degraded.\"):x(\"Degraded\",r.degraded,\"No decision is degr" +
  "aded.\"),T(\"Sinks of the audit trail\",[\"Sink\",\"State\",\"Waitin" +
  "g\",\"Lost\"],r.sinks.map(({name:u,healthy:f,queued:b,lost:g})=" +
  ">[u,f?\"ok\":e(\"strong\",{class:\"bad\"},\"failing\"),v(b),g>0?e(\"s" +
  "trong\",{class:\"bad\"},v(g)):\"0\"]),\"There are no sinks.\"),r.sh" +
  "adow.length>0&&e(\"h3\",{},\"Policies on trial would have denie" +
  "d, last day\"),r.shadow.length>0&&x(\"Shadow\",r.shadow,\"\"))}}}" +
  "function ne(t,n){return e(\"section\",{class:\"panel\"},e(\"h2\",{" +
  "},t),n)}function oe(t,n,s=\"\"){return[e(\"div\",{class:`tile ${" +
  "s}`},e(\"dt\",{},t),e(\"dd\",{},n))]}function Se(t,n){let s=Math" +
  ".max(1,...t.map(r=>r.reduce((c,i)=>c+i,0))),o=r=>(U-r/s*U).t" +
  "oFixed(1),l=D.map((r,c)=>{let i=m=>m.slice(0,c).reduce((h,p)" +
  "=>h+p,0),d=t.map((m,h)=>{let[p,u]=[i(m),m[c]??0];return u===" +
  "0?\"\":`M${h} ${o(p)}V${o(p+u)}h.85V${o(p)}z`});return V(\"path" +
  "\",{class:r,d:d.join(\"\")})}),a=D.map((r,c)=>`${n[c]} ${r}`).j" +
  "oin(\", \");return V(\"svg\",{class:\"chart\",viewBox:`0 0 ${I} ${" +
  "U}`,preserveAspectRatio:\"none\",role:\"img\",\"aria-label\":`Deci" +
  "sions in each of the last ${I} seconds: ${a}; at most ${s} i" +
  "n one second.`},...l)}var W={now:{title:\"Now\",make:se},cover" +
  "age:{title:\"Coverage\",make:X},decisions:{title:\"Decisions\",m" +
  "ake:Y},limits:{title:\"Limits\",make:te},keys:{title:\"Keys and" +
  " sessions\",make:ee}},ie=document.querySelector(\"main\"),re=do" +
  "cument.querySelector(\"nav\"),F=document.querySelector(\"#statu" +
  "s\"),H,B=!1;function le(){let[t=\"\",n=\"\"]=location.hash.slice(" +
  "1).split(\"?\");if(t===\"main\")return ie.focus();let s=Object.h" +
  "asOwn(W,t)?t:\"now\",o=W[s];if(o===void 0)return;let l=H!==voi" +
  "d 0;H=o.make(new URLSearchParams(n).get(\"request\")??void 0)," +
  "H.update(),ie.replaceChildren(H.root),document.title=`${o.ti" +
  "tle} \\xB7 apisec console`;for(let a of re.querySelectorAll(\"" +
  "a\"))a.hash===`#${s}`?a.setAttribute(\"aria-current\",\"page\"):a" +
  ".removeAttribute(\"aria-current\");l&&H.root.querySelector(\"h1" +
  "\")?.focus()}function Ce(){B||(B=!0,requestAnimationFrame(()=" +
  ">{B=!1,H?.update()}))}var ae={live:\"Live\",reconnecting:\"Reco" +
  "nnecting \\u2026\",denied:\"Not connected: signed out, or too m" +
  "any pages are open. Reload to sign in.\"};function Me(t){F.te" +
  "xtContent!==ae[t]&&(F.textContent=ae[t],F.className=t)}re.ap" +
  "pend(...Object.entries(W).map(([t,{title:n}])=>e(\"a\",{href:`" +
  "#${t}`},n)));addEventListener(\"hashchange\",le);y.abilities=a" +
  "wait M(\"abilities\").catch(()=>y.abilities);le();G(Ce,Me);\n";
