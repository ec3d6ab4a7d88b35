// Made of src/page by build-page.mjs: npm run page
export const PAGE: string =
  "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<met" +
  "a name=\"viewport\" content=\"width=device-width, initial-scale" +
  "=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
  "apisec console</title>\n<link rel=\"icon\" href=\"icon.svg\">\n<li" +
  "nk rel=\"stylesheet\" href=\"console.css\">\n<script type=\"module" +
  "\" src=\"console.js\"></script>\n<body>\n<a class=\"skip\" href=\"#m" +
  "ain\">Skip to content</a>\n<header>\n<p class=\"brand\"><img src=" +
  "\"icon.svg\" alt=\"\" width=\"20\" height=\"20\"> apisec</p>\n<nav ar" +
  "ia-label=\"Views\"></nav>\n<p id=\"status\" role=\"status\">Connect" +
  "ing …</p>\n</header>\n<main id=\"main\" tabindex=\"-1\"></main>\n<n" +
  "oscript>The console needs JavaScript. It loads none from els" +
  "ewhere.</noscript>\n";
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
  "function n(e,t={},...s){let o=document.createElement(e);retu" +
  "rn P(o,t),o.append(...$(s)),o}var X=\"http://www.w3.org/2000/" +
  "svg\";function k(e,t,...s){let o=document.createElementNS(X,e" +
  ");return P(o,t),o.append(...$(s)),o}function V(e,...t){e.rep" +
  "laceChildren(...$(t))}function P(e,t){for(let[s,o]of Object." +
  "entries(t))o!==void 0&&o!==!1&&e.setAttribute(s,o===!0?\"\":St" +
  "ring(o))}function $(e){return e.flatMap(t=>t===void 0||t===!" +
  "1?[]:[typeof t==\"number\"?`${t}`:t])}function C(e,t,s,o){if(s" +
  ".length===0)return n(\"p\",{class:\"empty\"},o);let a=n(\"tr\",{}," +
  "...t.map(r=>n(\"th\",{scope:\"col\"},r))),i=s.map(r=>n(\"tr\",{},." +
  "..r.map((c,u)=>n(\"td\",{\"data-head\":t[u]},c))));return n(\"div" +
  "\",{class:\"scroll\",tabindex:0,role:\"region\",\"aria-label\":e},n" +
  "(\"table\",{},n(\"caption\",{class:\"hidden\"},e),n(\"thead\",{},a)," +
  "n(\"tbody\",{},...i)))}function j(e,t,s=\"\"){let o=n(\"button\",{" +
  "type:\"button\",class:s},e);return o.addEventListener(\"click\"," +
  "async()=>{if(!o.disabled){o.disabled=!0;try{await t()}finall" +
  "y{o.disabled=!1}}}),o}function x(e,t){return n(\"label\",{clas" +
  "s:\"field\"},n(\"span\",{},e),t)}var Y=new Intl.NumberFormat(\"en" +
  "\"),w=e=>Y.format(e),Z=new Intl.DateTimeFormat(\"en-GB\",{timeS" +
  "tyle:\"medium\"}),ee=new Intl.DateTimeFormat(\"en-GB\",{dateStyl" +
  "e:\"medium\",timeStyle:\"short\"});function q(e){if(e===void 0||" +
  "!Number.isFinite(e))return\"\\u2013\";let t=new Date(e),s=Math." +
  "abs(Date.now()-e)<432e5;return n(\"time\",{datetime:t.toISOStr" +
  "ing()},(s?Z:ee).format(t))}var l={abilities:{acts:!1,limits:" +
  "!1,keys:!1,sessions:!1},latest:void 0,seconds:new Map,events" +
  ":[],left:0};function te(e){\"since\"in e?(l.seconds.clear(),l." +
  "left=0):l.left+=e.left;let s=new Set(l.events.map(({id:i})=>" +
  "i)),o=e.events.filter(({id:i})=>!s.has(i));o.length>0&&(l.ev" +
  "ents=[...l.events,...o].slice(-1e3));for(let i of e.seconds)" +
  "l.seconds.set(i[0],i);let a=Math.floor(e.now/1e3)-300;for(le" +
  "t i of l.seconds.keys())i<a&&l.seconds.delete(i);l.latest={s" +
  "ince:l.latest?.since??e.now,...e}}var _=new URL(\".\",location" +
  ".href);async function L(e){let t=await fetch(new URL(e,_));i" +
  "f(!t.ok)throw new Error(await ne(t));return await t.json()}a" +
  "sync function ne(e){let t=await e.json().catch(()=>({}));ret" +
  "urn`${typeof t.detail==\"string\"?t.detail:\"That did not work." +
  "\"} (${e.status}${typeof t.code==\"string\"?`, ${t.code}`:\"\"})`" +
  "}function O(e,t){let s=new EventSource(new URL(\"events\",_))," +
  "o=a=>{te(JSON.parse(a.data)),t(\"live\"),e()};s.addEventListen" +
  "er(\"snapshot\",o),s.addEventListener(\"tick\",o),s.addEventList" +
  "ener(\"error\",()=>{if(s.readyState!==EventSource.CLOSED)retur" +
  "n t(\"reconnecting\");t(\"denied\"),setTimeout(()=>O(e,t),1e4)})" +
  "}var oe=200;function I(e){let t=n(\"input\",{type:\"search\",pla" +
  "ceholder:\"code, operation, caller \\u2026\"});e!==void 0&&(t.v" +
  "alue=e);let s=n(\"select\",{},...[\"all\",\"denied\",\"failed\",\"suc" +
  "ceeded\",\"acts\",\"on trial\"].map(p=>n(\"option\",{value:p},p)))," +
  "o=n(\"ol\",{class:\"events\",\"aria-label\":\"Newest decisions\"}),a" +
  "=n(\"p\",{class:\"told\",role:\"status\"}),i=!1,r=[],c=j(\"Pause\",(" +
  ")=>{i=!i,c.textContent=i?\"Go on\":\"Pause\",c.setAttribute(\"ari" +
  "a-pressed\",String(i)),i||m()}),u=new Map,d=()=>{let p=t.valu" +
  "e.trim().toLowerCase(),f=new Set(l.events.map(({id:h})=>h))," +
  "b=[...r.filter(({id:h})=>!f.has(h)),...l.events].filter(h=>i" +
  "e(h,s.value)&&re(h,p)),E=b.slice(-oe).toReversed();for(let h" +
  " of u.keys())E.some(T=>T.id===h)||u.delete(h);let z=E.map(h=" +
  ">{let T=u.get(h.id)??ae(h);return u.set(h.id,T),T});se(o,z);" +
  "let Q=l.left>0?` ${w(l.left)} came too fast to be sent.`:\"\";" +
  "a.textContent=`${w(E.length)} of ${w(b.length)} shown.${Q}`}" +
  ",m=()=>{i||d()};t.addEventListener(\"input\",d),s.addEventList" +
  "ener(\"change\",d),e!==void 0&&L(`decisions?request=${encodeUR" +
  "IComponent(e)}`).then(p=>{r=p,d(),o.querySelector(\"details\")" +
  "?.setAttribute(\"open\",\"\")},d);let y=n(\"section\",{},n(\"h1\",{t" +
  "abindex:-1},\"Decisions\"),n(\"form\",{class:\"filters\",role:\"sea" +
  "rch\"},x(\"Filter\",t),x(\"Show\",s),c),a,o);return y.querySelect" +
  "or(\"form\")?.addEventListener(\"submit\",p=>p.preventDefault())" +
  ",{root:y,update:m}}function se(e,t){let s=new Set(t);for(let" +
  " a of[...e.children])s.has(a)||a.remove();let o=e.firstEleme" +
  "ntChild;for(let a of t)a===o?o=o.nextElementSibling:e.insert" +
  "Before(a,o)}function ie(e,t){return t===\"all\"?!0:t===\"acts\"?" +
  "e.kind===\"act\":t===\"on trial\"?e.wouldDeny!==void 0:e.kind===" +
  "\"decision\"&&e.outcome===t}function re(e,t){if(t===\"\")return!" +
  "0;let{operation:s,code:o,policy:a,principal:i,peer:r,request" +
  "Id:c,act:u,tenant:d,client:m}=e;return[s,o,a,i,r,c,u,d,m].so" +
  "me(y=>y?.toLowerCase().includes(t)===!0)}function ae(e){let{" +
  "outcome:t,operation:s,code:o,policy:a,act:i,principal:r,peer" +
  ":c,kind:u}=e,d=n(\"details\",{},n(\"summary\",{},q(e.time),n(\"sp" +
  "an\",{class:`key ${u===\"act\"?\"act\":t}`},u===\"act\"?\"act\":t),n(" +
  "\"span\",{class:\"operation\"},i??s??\"unknown operation\"),n(\"cod" +
  "e\",{},o??\"\"),n(\"span\",{class:\"who\"},r??c??\"unknown caller\"))" +
  ");return d.addEventListener(\"toggle\",()=>{d.open&&d.children" +
  ".length===1&&d.append(de(e,a))}),n(\"li\",{},d)}function de(e," +
  "t){let{requestId:s,trace:o=[],wouldDeny:a=[],degraded:i=[],t" +
  "arget:r,data:c}=e,u=[[\"Denied by\",t&&`${t}: ${e.code??\"\"} ($" +
  "{e.denialKind??\"\"})`],[\"Reason, for operators\",e.cause??e.re" +
  "ason],[\"Would be denied by\",a.join(\", \")],[\"Degraded\",i.join" +
  "(\", \")],[\"Target\",r&&`${r.type} ${r.id}`],[\"Data\",c&&JSON.st" +
  "ringify(c)],[\"Event\",`${e.event} (${e.severity})`],[\"Protoco" +
  "l\",[e.protocol,e.status].filter(d=>d!==void 0).join(\" \")],[\"" +
  "Principal\",e.principal],[\"Client\",e.client],[\"Tenant\",e.tena" +
  "nt],[\"API key\",e.apiKey],[\"Peer\",e.peer],[\"Latency\",e.latenc" +
  "yMs===void 0?void 0:`${e.latencyMs} ms`],[\"Request\",s&&n(\"a\"" +
  ",{href:`#decisions?request=${encodeURIComponent(s)}`},s)],[\"" +
  "Trace id\",e.traceId]];return n(\"div\",{class:\"full\"},n(\"dl\",{" +
  "},...u.flatMap(([d,m])=>m===void 0||m===\"\"||m===!1?[]:[n(\"dt" +
  "\",{},d),n(\"dd\",{},m)])),o.length>0&&n(\"h3\",{},\"Policies that" +
  " ran\"),o.length>0&&n(\"ol\",{class:\"trace\"},...o.map(d=>n(\"li\"" +
  ",{class:/: denied/.test(d)?\"bad\":void 0},d))))}var M=120,A=1" +
  "20,v=[\"succeeded\",\"denied\",\"failed\",\"aborted\"];function U(){" +
  "let e=n(\"dl\",{class:\"tiles\"}),t=n(\"figure\",{}),s=n(\"div\",{})" +
  ",o=n(\"div\",{});return{root:n(\"section\",{},n(\"h1\",{tabindex:-" +
  "1},\"Now\"),e,t,n(\"div\",{class:\"columns\"},F(\"Denials by code, " +
  "last minutes\",s),F(\"Health\",o))),update:()=>{let{latest:r}=l" +
  ";if(r===void 0)return;let c=Math.floor(r.now/1e3),u=Array.fr" +
  "om({length:M},(f,g)=>{let[,...b]=l.seconds.get(c-M+g)??[0,0," +
  "0,0,0];return b}),d=v.map((f,g)=>u.reduce((b,E)=>b+(E[g]??0)" +
  ",0)),y=u.slice(-10).flat().reduce((f,g)=>f+g,0)/10;e.replace" +
  "Children(...G(\"Decisions a second\",y<10?y.toFixed(1):w(Math." +
  "round(y))),...v.flatMap((f,g)=>G(`${f}, 2 min`,w(d[g]??0),f)" +
  ")),t.replaceChildren(le(u,d),n(\"figcaption\",{},\"The last two" +
  " minutes. \",...v.flatMap(f=>[n(\"span\",{class:`key ${f}`},f)," +
  "\" \"]))),s.replaceChildren(H(\"Codes\",r.codes,\"Nothing was den" +
  "ied.\"));let p=r.sinks.filter(({healthy:f,lost:g})=>!f||g>0);" +
  "V(o,p.length===0&&r.degraded.length===0?n(\"p\",{class:\"good\"}" +
  ",\"\\u2713 No store or sink is degraded.\"):H(\"Degraded\",r.degr" +
  "aded,\"No decision is degraded.\"),C(\"Sinks of the audit trail" +
  "\",[\"Sink\",\"State\",\"Waiting\",\"Lost\"],r.sinks.map(({name:f,hea" +
  "lthy:g,queued:b,lost:E})=>[f,g?\"ok\":n(\"strong\",{class:\"bad\"}" +
  ",\"failing\"),w(b),E>0?n(\"strong\",{class:\"bad\"},w(E)):\"0\"]),\"T" +
  "here are no sinks.\"),r.shadow.length>0&&n(\"h3\",{},\"Policies " +
  "on trial would have denied, last day\"),r.shadow.length>0&&H(" +
  "\"Shadow\",r.shadow,\"\"))}}}function F(e,t){return n(\"section\"," +
  "{class:\"panel\"},n(\"h2\",{},e),t)}function G(e,t,s=\"\"){return[" +
  "n(\"div\",{class:`tile ${s}`},n(\"dt\",{},e),n(\"dd\",{},t))]}func" +
  "tion le(e,t){let s=Math.max(1,...e.map(r=>r.reduce((c,u)=>c+" +
  "u,0))),o=r=>(A-r/s*A).toFixed(1),a=v.map((r,c)=>{let u=m=>m." +
  "slice(0,c).reduce((y,p)=>y+p,0),d=e.map((m,y)=>{let[p,f]=[u(" +
  "m),m[c]??0];return f===0?\"\":`M${y} ${o(p)}V${o(p+f)}h.85V${o" +
  "(p)}z`});return k(\"path\",{class:r,d:d.join(\"\")})}),i=v.map((" +
  "r,c)=>`${t[c]} ${r}`).join(\", \");return k(\"svg\",{class:\"char" +
  "t\",viewBox:`0 0 ${M} ${A}`,preserveAspectRatio:\"none\",role:\"" +
  "img\",\"aria-label\":`Decisions in each of the last ${M} second" +
  "s: ${i}; at most ${s} in one second.`},...a)}function H(e,t," +
  "s){let o=t[0]?.[1]??1;return C(e,[\"Name\",\"Count\",\"\"],t.map((" +
  "[a,i])=>[n(\"code\",{},a),w(i),n(\"meter\",{min:0,max:o,value:i," +
  "\"aria-hidden\":\"true\"})]),s)}var R={now:{title:\"Now\",make:U}," +
  "decisions:{title:\"Decisions\",make:I}},B=document.querySelect" +
  "or(\"main\"),J=document.querySelector(\"nav\"),N=document.queryS" +
  "elector(\"#status\"),S,D=!1;function K(){let[e=\"\",t=\"\"]=locati" +
  "on.hash.slice(1).split(\"?\");if(e===\"main\")return B.focus();l" +
  "et s=Object.hasOwn(R,e)?e:\"now\",o=R[s];if(o===void 0)return;" +
  "let a=S!==void 0;S=o.make(new URLSearchParams(t).get(\"reques" +
  "t\")??void 0),S.update(),B.replaceChildren(S.root),document.t" +
  "itle=`${o.title} \\xB7 apisec console`;for(let i of J.querySe" +
  "lectorAll(\"a\"))i.hash===`#${s}`?i.setAttribute(\"aria-current" +
  "\",\"page\"):i.removeAttribute(\"aria-current\");a&&S.root.queryS" +
  "elector(\"h1\")?.focus()}function ce(){D||(D=!0,requestAnimati" +
  "onFrame(()=>{D=!1,S?.update()}))}var W={live:\"Live\",reconnec" +
  "ting:\"Reconnecting \\u2026\",denied:\"Not connected: signed out" +
  ", or too many pages are open. Reload to sign in.\"};function " +
  "ue(e){N.textContent!==W[e]&&(N.textContent=W[e],N.className=" +
  "e)}J.append(...Object.entries(R).map(([e,{title:t}])=>n(\"a\"," +
  "{href:`#${e}`},t)));addEventListener(\"hashchange\",K);l.abili" +
  "ties=await L(\"abilities\").catch(()=>l.abilities);K();O(ce,ue" +
  ");\n";
