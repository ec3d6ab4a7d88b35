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
  "13px}td,code,.operation,.who,dd{overflow-wrap:anywhere}meter" +
  "{width:100px;height:12px}code{font:13px/1.4 ui-monospace,mon" +
  "ospace}.hidden{position:absolute;clip-path:inset(50%);width:" +
  "1px;height:1px;overflow:hidden;white-space:nowrap}.empty,.to" +
  "ld{color:var(--soft)}.filters{display:flex;flex-wrap:wrap;ga" +
  "p:10px;align-items:end;margin-bottom:10px}.field{display:gri" +
  "d;gap:2px;color:var(--soft);font-size:13px}input,select,butt" +
  "on{font:inherit;color:inherit;background:var(--paper);border" +
  ":1px solid var(--soft);border-radius:6px;padding:6px 10px;mi" +
  "n-height:36px;max-width:100%}input{color:var(--ink)}button{c" +
  "ursor:pointer}button:hover{border-color:var(--link)}button.d" +
  "anger{color:var(--denied);border-color:var(--denied)}button:" +
  "disabled{opacity:.5;cursor:default}.events{list-style:none;m" +
  "argin:0;padding:0;display:grid;gap:4px}.events summary{displ" +
  "ay:grid;grid-template-columns:76px 100px minmax(120px,2fr) m" +
  "inmax(100px,1.5fr) minmax(100px,1.5fr);gap:10px;padding:7px " +
  "12px;cursor:pointer;list-style:none}.events summary::-webkit" +
  "-details-marker{display:none}.events details[open] summary{b" +
  "order-bottom:1px solid var(--line)}.who{color:var(--soft)}.f" +
  "ull{padding:10px 14px}.full dl{display:grid;grid-template-co" +
  "lumns:minmax(100px,max-content) 1fr;gap:3px 14px;margin:0}.f" +
  "ull dt{color:var(--soft)}.full dd{margin:0}.trace{margin:0;p" +
  "adding-left:24px;font:13px/1.5 ui-monospace,monospace;overfl" +
  "ow-wrap:anywhere}dialog{max-width:min(560px,calc(100vw - 32p" +
  "x));color:inherit;padding:18px}dialog::backdrop{background:#" +
  "00000080}dialog .secret{display:block;padding:10px;backgroun" +
  "d:var(--ground);-webkit-user-select:all;user-select:all;over" +
  "flow-wrap:anywhere}dialog form{display:grid;gap:12px}.button" +
  "s{display:flex;flex-wrap:wrap;gap:8px;justify-content:end}@m" +
  "edia(max-width:720px){header,main{padding-left:12px;padding-" +
  "right:12px}.events summary{grid-template-columns:auto 1fr}.e" +
  "vents summary .operation,.events summary code,.events summar" +
  "y .who{grid-column:1 / -1}.events summary code:empty{display" +
  ":none}.full dl{grid-template-columns:1fr}.full dt{margin-top" +
  ":6px}.wide thead{display:none}.wide tr{display:block;padding" +
  ":8px 0;border-bottom:1px solid var(--line)}.wide td{display:" +
  "block;border:0;padding:1px 0}.wide td:empty{display:none}.wi" +
  "de td:before{content:attr(data-head) \": \";color:var(--soft);" +
  "font-size:13px}}@media(prefers-reduced-motion:no-preference)" +
  "{.tile dd{transition:color .2s}}\n";
export const SCRIPT: string =
  "function n(e,t={},...i){let o=document.createElement(e);retu" +
  "rn j(o,t),o.append(...C(i)),o}var Y=\"http://www.w3.org/2000/" +
  "svg\";function $(e,t,...i){let o=document.createElementNS(Y,e" +
  ");return j(o,t),o.append(...C(i)),o}function V(e,...t){e.rep" +
  "laceChildren(...C(t))}function j(e,t){for(let[i,o]of Object." +
  "entries(t))o!==void 0&&o!==!1&&e.setAttribute(i,o===!0?\"\":St" +
  "ring(o))}function C(e){return e.flatMap(t=>t===void 0||t===!" +
  "1?[]:[typeof t==\"number\"?`${t}`:t])}function x(e,t,i,o){if(i" +
  ".length===0)return n(\"p\",{class:\"empty\"},o);let a=n(\"tr\",{}," +
  "...t.map(r=>n(\"th\",{scope:\"col\"},r))),s=i.map(r=>n(\"tr\",{},." +
  "..r.map((u,f)=>n(\"td\",{\"data-head\":t[f]},u))));return n(\"div" +
  "\",{class:\"scroll\",tabindex:0,role:\"region\",\"aria-label\":e},n" +
  "(\"table\",{},n(\"caption\",{class:\"hidden\"},e),n(\"thead\",{},a)," +
  "n(\"tbody\",{},...s)))}function q(e,t,i=\"\"){let o=n(\"button\",{" +
  "type:\"button\",class:i},e),a=async()=>{o.disabled=!0;try{awai" +
  "t t()}finally{o.disabled=!1}};return o.addEventListener(\"cli" +
  "ck\",()=>{a()}),o}function O(e,t){return n(\"label\",{class:\"fi" +
  "eld\"},n(\"span\",{},e),t)}var Z=new Intl.NumberFormat(\"en\"),w=" +
  "e=>Z.format(e),ee=new Intl.DateTimeFormat(\"en-GB\",{timeStyle" +
  ":\"medium\"}),te=new Intl.DateTimeFormat(\"en-GB\",{dateStyle:\"m" +
  "edium\",timeStyle:\"short\"});function _(e){if(e===void 0||!Num" +
  "ber.isFinite(e))return\"\\u2013\";let t=new Date(e),i=Math.abs(" +
  "Date.now()-e)<432e5;return n(\"time\",{datetime:t.toISOString(" +
  ")},(i?ee:te).format(t))}var l={abilities:{acts:!1,limits:!1," +
  "keys:!1,sessions:!1},latest:void 0,seconds:new Map,events:[]" +
  ",left:0};function ne(e){\"since\"in e?(l.seconds.clear(),l.lef" +
  "t=0):l.left+=e.left;let i=new Set(l.events.map(({id:s})=>s))" +
  ",o=e.events.filter(({id:s})=>!i.has(s));o.length>0&&(l.event" +
  "s=[...l.events,...o].slice(-1e3));for(let s of e.seconds)l.s" +
  "econds.set(s[0],s);let a=Math.floor(e.now/1e3)-300;for(let s" +
  " of l.seconds.keys())s<a&&l.seconds.delete(s);l.latest={sinc" +
  "e:l.latest?.since??e.now,...e}}var I=new URL(\".\",location.hr" +
  "ef);async function L(e){let t=await fetch(new URL(e,I));if(!" +
  "t.ok)throw new Error(await oe(t));return await t.json()}asyn" +
  "c function oe(e){let t=await e.json().catch(()=>({}));return" +
  "`${typeof t.detail==\"string\"?t.detail:\"That did not work.\"} " +
  "(${e.status}${typeof t.code==\"string\"?`, ${t.code}`:\"\"})`}fu" +
  "nction A(e,t){let i=new EventSource(new URL(\"events\",I)),o=a" +
  "=>{ne(JSON.parse(a.data)),t(\"live\"),e()};i.addEventListener(" +
  "\"snapshot\",o),i.addEventListener(\"tick\",o),i.addEventListene" +
  "r(\"error\",()=>{if(i.readyState!==EventSource.CLOSED)return t" +
  "(\"reconnecting\");t(\"denied\"),setTimeout(()=>A(e,t),1e4)})}va" +
  "r ie=200;function F(e){let t=n(\"input\",{type:\"search\",placeh" +
  "older:\"code, operation, caller \\u2026\"});e!==void 0&&(t.valu" +
  "e=e);let i=n(\"select\",{},...[\"all\",\"denied\",\"failed\",\"succee" +
  "ded\",\"acts\",\"on trial\"].map(d=>n(\"option\",{value:d},d))),o=n" +
  "(\"ol\",{class:\"events\",\"aria-label\":\"Newest decisions\"}),a=n(" +
  "\"p\",{class:\"told\",role:\"status\"}),s=!1,r=[],u=q(\"Pause\",()=>" +
  "{s=!s,u.textContent=s?\"Go on\":\"Pause\",u.setAttribute(\"aria-p" +
  "ressed\",String(s)),s||y()}),f=new Map,c=()=>{let d=t.value.t" +
  "rim().toLowerCase(),p=new Set(l.events.map(({id:h})=>h)),b=[" +
  "...r.filter(({id:h})=>!p.has(h)),...l.events].filter(h=>re(h" +
  ",i.value)&&ae(h,d)),k=b.slice(-ie).toReversed();for(let h of" +
  " f.keys())k.some(T=>T.id===h)||f.delete(h);let Q=k.map(h=>{l" +
  "et T=f.get(h.id)??de(h);return f.set(h.id,T),T});se(o,Q);let" +
  " X=l.left>0?` ${w(l.left)} came too fast to be sent.`:\"\";a.t" +
  "extContent=`${w(k.length)} of ${w(b.length)} shown.${X}`},m=" +
  "async d=>{let p=`decisions?request=${encodeURIComponent(d)}`" +
  ";r=await L(p).catch(()=>[]),c(),o.querySelector(\"details\")?." +
  "setAttribute(\"open\",\"\")},y=()=>{s||c()};t.addEventListener(\"" +
  "input\",c),i.addEventListener(\"change\",c),e!==void 0&&m(e);le" +
  "t g=n(\"section\",{},n(\"h1\",{tabindex:-1},\"Decisions\"),n(\"form" +
  "\",{class:\"filters\",role:\"search\"},O(\"Filter\",t),O(\"Show\",i)," +
  "u),a,o);return g.querySelector(\"form\")?.addEventListener(\"su" +
  "bmit\",d=>d.preventDefault()),{root:g,update:y}}function se(e" +
  ",t){let i=new Set(t);for(let a of Array.from(e.children))i.h" +
  "as(a)||a.remove();let o=e.firstElementChild;for(let a of t)a" +
  "===o?o=o.nextElementSibling:e.insertBefore(a,o)}function re(" +
  "e,t){return t===\"all\"?!0:t===\"acts\"?e.kind===\"act\":t===\"on t" +
  "rial\"?e.wouldDeny!==void 0:e.kind===\"decision\"&&e.outcome===" +
  "t}function ae(e,t){if(t===\"\")return!0;let{operation:i,code:o" +
  ",policy:a,principal:s,peer:r,requestId:u,act:f,tenant:c,clie" +
  "nt:m}=e;return[i,o,a,s,r,u,f,c,m].some(y=>y?.toLowerCase().i" +
  "ncludes(t)===!0)}function de(e){let{outcome:t,operation:i,co" +
  "de:o,policy:a,act:s,principal:r,peer:u,kind:f}=e,c=n(\"detail" +
  "s\",{},n(\"summary\",{},_(e.time),n(\"span\",{class:`key ${f===\"a" +
  "ct\"?\"act\":t}`},f===\"act\"?\"act\":t),n(\"span\",{class:\"operation" +
  "\"},s??i??\"unknown operation\"),n(\"code\",{},o??\"\"),n(\"span\",{c" +
  "lass:\"who\"},r??u??\"unknown caller\")));return c.addEventListe" +
  "ner(\"toggle\",()=>{c.open&&c.children.length===1&&c.append(ce" +
  "(e,a))}),n(\"li\",{},c)}function ce(e,t){let{requestId:i,trace" +
  ":o=[],wouldDeny:a=[],degraded:s=[],target:r,data:u}=e,f=[[\"D" +
  "enied by\",t&&`${t}: ${e.code??\"\"} (${e.denialKind??\"\"})`],[\"" +
  "Reason, for operators\",e.cause??e.reason],[\"Would be denied " +
  "by\",a.join(\", \")],[\"Degraded\",s.join(\", \")],[\"Target\",r&&`${" +
  "r.type} ${r.id}`],[\"Data\",u&&JSON.stringify(u)],[\"Event\",`${" +
  "e.event} (${e.severity})`],[\"Protocol\",[e.protocol,e.status]" +
  ".filter(c=>c!==void 0).join(\" \")],[\"Principal\",e.principal]," +
  "[\"Client\",e.client],[\"Tenant\",e.tenant],[\"API key\",e.apiKey]" +
  ",[\"Peer\",e.peer],[\"Latency\",e.latencyMs===void 0?void 0:`${e" +
  ".latencyMs} ms`],[\"Request\",i&&n(\"a\",{href:`#decisions?reque" +
  "st=${encodeURIComponent(i)}`},i)],[\"Trace id\",e.traceId]];re" +
  "turn n(\"div\",{class:\"full\"},n(\"dl\",{},...f.flatMap(([c,m])=>" +
  "m===void 0||m===\"\"||m===!1?[]:[n(\"dt\",{},c),n(\"dd\",{},m)]))," +
  "o.length>0&&n(\"h3\",{},\"Policies that ran\"),o.length>0&&n(\"ol" +
  "\",{class:\"trace\"},...o.map(c=>n(\"li\",{class:/: denied/.test(" +
  "c)?\"bad\":void 0},c))))}var M=120,H=120,S=[\"succeeded\",\"denie" +
  "d\",\"failed\",\"aborted\"];function B(){let e=n(\"dl\",{class:\"til" +
  "es\"}),t=n(\"figure\",{}),i=n(\"div\",{}),o=n(\"div\",{});return{ro" +
  "ot:n(\"section\",{},n(\"h1\",{tabindex:-1},\"Now\"),e,t,n(\"div\",{c" +
  "lass:\"columns\"},U(\"Denials by code, last minutes\",i),U(\"Heal" +
  "th\",o))),update:()=>{let{latest:r}=l;if(r===void 0)return;le" +
  "t u=Math.floor(r.now/1e3),f=Array.from({length:M},(d,p)=>{le" +
  "t[,...E]=l.seconds.get(u-M+p)??[0,0,0,0,0];return E}),c=S.ma" +
  "p((d,p)=>f.reduce((E,b)=>E+(b[p]??0),0)),y=f.slice(-10).flat" +
  "().reduce((d,p)=>d+p,0)/10;e.replaceChildren(...G(\"Decisions" +
  " a second\",y<10?y.toFixed(1):w(Math.round(y))),...S.flatMap(" +
  "(d,p)=>G(`${d}, 2 min`,w(c[p]??0),d))),t.replaceChildren(le(" +
  "f,c),n(\"figcaption\",{},\"The last two minutes. \",...S.flatMap" +
  "(d=>[n(\"span\",{class:`key ${d}`},d),\" \"]))),i.replaceChildre" +
  "n(N(\"Codes\",r.codes,\"Nothing was denied.\"));let g=r.sinks.fi" +
  "lter(({healthy:d,lost:p})=>!d||p>0);V(o,g.length===0&&r.degr" +
  "aded.length===0?n(\"p\",{class:\"good\"},\"\\u2713 No store or sin" +
  "k is degraded.\"):N(\"Degraded\",r.degraded,\"No decision is deg" +
  "raded.\"),x(\"Sinks of the audit trail\",[\"Sink\",\"State\",\"Waiti" +
  "ng\",\"Lost\"],r.sinks.map(({name:d,healthy:p,queued:E,lost:b})" +
  "=>[d,p?\"ok\":n(\"strong\",{class:\"bad\"},\"failing\"),w(E),b>0?n(\"" +
  "strong\",{class:\"bad\"},w(b)):\"0\"]),\"There are no sinks.\"),r.s" +
  "hadow.length>0&&n(\"h3\",{},\"Policies on trial would have deni" +
  "ed, last day\"),r.shadow.length>0&&N(\"Shadow\",r.shadow,\"\"))}}" +
  "}function U(e,t){return n(\"section\",{class:\"panel\"},n(\"h2\",{" +
  "},e),t)}function G(e,t,i=\"\"){return[n(\"div\",{class:`tile ${i" +
  "}`},n(\"dt\",{},e),n(\"dd\",{},t))]}function le(e,t){let i=Math." +
  "max(1,...e.map(r=>r.reduce((u,f)=>u+f,0))),o=r=>(H-r/i*H).to" +
  "Fixed(1),a=S.map((r,u)=>{let f=m=>m.slice(0,u).reduce((y,g)=" +
  ">y+g,0),c=e.map((m,y)=>{let[g,d]=[f(m),m[u]??0];return d===0" +
  "?\"\":`M${y} ${o(g)}V${o(g+d)}h.85V${o(g)}z`});return $(\"path\"" +
  ",{class:r,d:c.join(\"\")})}),s=S.map((r,u)=>`${t[u]} ${r}`).jo" +
  "in(\", \");return $(\"svg\",{class:\"chart\",viewBox:`0 0 ${M} ${H" +
  "}`,preserveAspectRatio:\"none\",role:\"img\",\"aria-label\":`Decis" +
  "ions in each of the last ${M} seconds: ${s}; at most ${i} in" +
  " one second.`},...a)}function N(e,t,i){let o=t[0]?.[1]??1;re" +
  "turn x(e,[\"Name\",\"Count\",\"\"],t.map(([a,s])=>[n(\"code\",{},a)," +
  "w(s),n(\"meter\",{min:0,max:o,value:s,\"aria-hidden\":\"true\"})])" +
  ",i)}var P={now:{title:\"Now\",make:B},decisions:{title:\"Decisi" +
  "ons\",make:F}},W=document.querySelector(\"main\"),K=document.qu" +
  "erySelector(\"nav\"),D=document.querySelector(\"#status\"),v,R=!" +
  "1;function z(){let[e=\"\",t=\"\"]=location.hash.slice(1).split(\"" +
  "?\");if(e===\"main\")return W.focus();let i=Object.hasOwn(P,e)?" +
  "e:\"now\",o=P[i];if(o===void 0)return;let a=v!==void 0;v=o.mak" +
  "e(new URLSearchParams(t).get(\"request\")??void 0),v.update()," +
  "W.replaceChildren(v.root),document.title=`${o.title} \\xB7 ap" +
  "isec console`;for(let s of K.querySelectorAll(\"a\"))s.hash===" +
  "`#${i}`?s.setAttribute(\"aria-current\",\"page\"):s.removeAttrib" +
  "ute(\"aria-current\");a&&v.root.querySelector(\"h1\")?.focus()}f" +
  "unction ue(){R||(R=!0,requestAnimationFrame(()=>{R=!1,v?.upd" +
  "ate()}))}var J={live:\"Live\",reconnecting:\"Reconnecting \\u202" +
  "6\",denied:\"Not connected: signed out, or too many pages are " +
  "open. Reload to sign in.\"};function fe(e){D.textContent!==J[" +
  "e]&&(D.textContent=J[e],D.className=e)}K.append(...Object.en" +
  "tries(P).map(([e,{title:t}])=>n(\"a\",{href:`#${e}`},t)));addE" +
  "ventListener(\"hashchange\",z);l.abilities=await L(\"abilities\"" +
  ").catch(()=>l.abilities);z();A(ue,fe);\n";
