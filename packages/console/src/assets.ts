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
  "le dd{transition:color .2s}}@media(forced-colors:active){nav" +
  " a[aria-current]{text-decoration:underline;text-decoration-t" +
  "hickness:3px}}\n";
export const SCRIPT: string =
  "function e(t,n={},...o){let s=document.createElement(t);retu" +
  "rn de(s,n),s.append(...K(o)),s}var $e=\"http://www.w3.org/200" +
  "0/svg\";function X(t,n,...o){let s=document.createElementNS($" +
  "e,t);return de(s,n),s.append(...K(o)),s}function C(t,...n){t" +
  ".replaceChildren(...K(n))}function Y(t,...n){let o=e(\"div\",{" +
  "});o.append(...K(n));let[s,r]=[Array.from(t.childNodes),Arra" +
  "y.from(o.childNodes)];for(let[i,a]of r.entries()){let c=s[i]" +
  ";if(c===void 0)t.append(a);else{if(c.isEqualNode(a))continue" +
  ";le(c)&&le(a)?(c.setAttribute(\"aria-label\",a.getAttribute(\"a" +
  "ria-label\")??\"\"),c.replaceChildren(...Array.from(a.childNode" +
  "s))):t.replaceChild(a,c)}}for(let i of s.slice(r.length))t.r" +
  "emoveChild(i)}function le(t){return t instanceof HTMLElement" +
  "&&t.getAttribute(\"role\")===\"region\"}function de(t,n){for(let" +
  "[o,s]of Object.entries(n))s!==void 0&&s!==!1&&t.setAttribute" +
  "(o,s===!0?\"\":String(s))}function K(t){return t.flatMap(n=>n=" +
  "==void 0||n===!1?[]:[typeof n==\"number\"?`${n}`:n])}function " +
  "L(t,n,o,s){if(o.length===0)return e(\"p\",{class:\"empty\"},s);l" +
  "et r=e(\"tr\",{},...n.map(a=>e(\"th\",{scope:\"col\"},a))),i=o.map" +
  "(a=>Z(n,a));return e(\"div\",{class:\"scroll\",tabindex:0,role:\"" +
  "region\",\"aria-label\":t},e(\"table\",{},e(\"caption\",{class:\"hid" +
  "den\"},t),e(\"thead\",{},r),e(\"tbody\",{},...i)))}function Z(t,n" +
  "){return e(\"tr\",{},...n.map((o,s)=>e(\"td\",{\"data-head\":t[s]}" +
  ",o)))}function S(t,n,o=\"\",s){let r=s===void 0?void 0:`${t} $" +
  "{s}`,i=e(\"button\",{type:\"button\",class:o,\"aria-label\":r},t)," +
  "a=async()=>{i.disabled=!0;try{await n()}finally{i.disabled=!" +
  "1}};return i.addEventListener(\"click\",()=>{a()}),i}function " +
  "T(t,n){return e(\"label\",{class:\"field\"},e(\"span\",{},t),n)}va" +
  "r Oe=new Intl.NumberFormat(\"en\"),h=t=>Oe.format(t),He=new In" +
  "tl.DateTimeFormat(\"en-GB\",{timeStyle:\"medium\"}),Re=new Intl." +
  "DateTimeFormat(\"en-GB\",{dateStyle:\"medium\",timeStyle:\"short\"" +
  "});function M(t){if(t===void 0||!Number.isFinite(t))return\"\\" +
  "u2013\";let n=new Date(t),o=Math.abs(Date.now()-t)<432e5;retu" +
  "rn e(\"time\",{datetime:n.toISOString()},(o?He:Re).format(n))}" +
  "function N(t,n,o){let s=n[0]?.[1]??1;return L(t,[\"Name\",\"Cou" +
  "nt\",\"Share\"],n.map(([r,i])=>[e(\"code\",{},r),h(i),e(\"meter\",{" +
  "min:0,max:s,value:i,\"aria-hidden\":\"true\"})]),o)}var g={abili" +
  "ties:{acts:!1,limits:!1,keys:!1,sessions:!1},latest:void 0,s" +
  "econds:new Map,events:[],left:0};function Ne(t){\"since\"in t?" +
  "(g.seconds.clear(),g.left=0):g.left+=t.left;let o=new Set(g." +
  "events.map(({id:i})=>i)),s=t.events.filter(({id:i})=>!o.has(" +
  "i));s.length>0&&(g.events=[...g.events,...s].slice(-1e3));fo" +
  "r(let i of t.seconds)g.seconds.set(i[0],i);let r=Math.floor(" +
  "t.now/1e3)-300;for(let i of g.seconds.keys())i<r&&g.seconds." +
  "delete(i);g.latest={since:g.latest?.since??t.now,...t}}var e" +
  "e=new URL(\".\",location.href);async function x(t){let n=await" +
  " fetch(new URL(t,ee));if(!n.ok)throw new Error(await ce(n));" +
  "return await n.json()}async function $(t,n){let o=await fetc" +
  "h(new URL(t,ee),{method:\"POST\",headers:{\"content-type\":\"appl" +
  "ication/json\"},body:JSON.stringify(n)});if(!o.ok)throw new E" +
  "rror(await ce(o));return await o.json()}async function ce(t)" +
  "{let n=await t.json().catch(()=>({}));return`${typeof n.deta" +
  "il==\"string\"?n.detail:\"That did not work.\"} (${t.status}${ty" +
  "peof n.code==\"string\"?`, ${n.code}`:\"\"})`}function te(t,n){l" +
  "et o=new EventSource(new URL(\"events\",ee)),s=r=>{Ne(JSON.par" +
  "se(r.data)),n(\"live\"),t()};o.addEventListener(\"snapshot\",s)," +
  "o.addEventListener(\"tick\",s),o.addEventListener(\"error\",()=>" +
  "{if(o.readyState!==EventSource.CLOSED)return n(\"reconnecting" +
  "\");n(\"denied\"),setTimeout(()=>te(t,n),1e4)})}function ue(t){" +
  "return L(\"API versions\",[\"Version\",\"State\",\"Ends\",\"Successor" +
  "\",\"Calls\",\"Callers today\"],t.map(({version:n,state:o,depreca" +
  "tedAt:s,sunsetAt:r,successor:i,calls:a,callers:c,tables:u})=" +
  ">[e(\"span\",{},e(\"code\",{},n),\" \",e(\"small\",{},u.join(\", \")))" +
  ",o===\"deprecated\"?e(\"span\",{},ne(o,a),\" since \",M(s)):ne(o,a" +
  "),M(r),i===void 0?\"\\u2013\":e(\"code\",{},i),a===0?e(\"small\",{}" +
  ",\"none\"):h(a),c===void 0?\"\\u2013\":h(c)]),\"No call named a ve" +
  "rsion, and no table tells versions apart.\")}function me(t){r" +
  "eturn L(\"Callers of versions\",[\"Version\",\"State\",\"Caller\",\"C" +
  "alls\"],t.map(({version:n,state:o,caller:s,calls:r})=>[e(\"cod" +
  "e\",{},n),ne(o,r),e(\"code\",{},s),h(r)]),\"No call named a vers" +
  "ion.\")}function ne(t,n){return(t===\"deprecated\"||t===\"ended\"" +
  ")&&n>0?e(\"strong\",{class:\"bad\"},t):t}var B=3,pe=[\"Operation\"" +
  ",\"Authentication\",\"Grant\",\"Limit\",\"Input\",\"Output\",\"Other\",\"" +
  "Calls\",\"Denied\"],De={all:\"all\",open:\"open to everyone\",unlim" +
  "ited:\"without a limit\",unchecked:\"without input check\",uncal" +
  "led:\"never called\",trial:\"with a policy on trial\"};function " +
  "ye(){let t=e(\"input\",{type:\"search\"}),n=e(\"select\",{},...Obj" +
  "ect.entries(De).map(([E,w])=>e(\"option\",{value:E},w))),o=e(\"" +
  "p\",{class:\"told\",role:\"status\"},\"Loading \\u2026\"),s=e(\"div\"," +
  "{class:\"wide lines\"}),r=e(\"div\",{}),i=fe(\"Back\",()=>p(Math.m" +
  "ax(0,u-1))),a=fe(\"Next\",()=>p(u+l)),c=e(\"p\",{class:\"buttons\"" +
  "},i,a),u=0,l=0,d=0,y=0,m=({lines:E,from:w,total:A,since:O})=" +
  ">{u=w,l=E.length;let I=w+E.length;i.setAttribute(\"aria-disab" +
  "led\",String(w===0)),a.setAttribute(\"aria-disabled\",String(I>" +
  "=A)),c.hidden=E.length===A,C(o,`${h(Math.min(w+1,A))} to ${h" +
  "(I)} of ${h(A)} operations, calls since `,M(O),\".\"),d++;let " +
  "_=d,W=L(\"Operations and what guards them\",pe,E.slice(0,B).ma" +
  "p(he),\"No operation is like that. Give consoleRoutes the opt" +
  "ion coverage, if there is none at all.\");C(s,W);let R=W.quer" +
  "ySelector(\"tbody\"),F=H=>{H>=E.length||requestAnimationFrame(" +
  "()=>{if(_!==d)return;let G=E.slice(H,H+B);R?.append(...G.map" +
  "(z=>Z(pe,he(z)))),F(H+B)})};F(B)},f=({unlisted:E,versions:w," +
  "versionCallers:A})=>{C(r,e(\"div\",{class:\"columns\"},e(\"sectio" +
  "n\",{class:\"panel\"},e(\"h2\",{},\"Called, and in no table (denie" +
  "d)\"),N(\"Unlisted operations\",E,\"Nothing unlisted was called." +
  "\")),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"API versions, las" +
  "t day\"),ue(w)),e(\"section\",{class:\"panel\"},e(\"h2\",{},\"Who ca" +
  "lls which version, last day\"),me(A))))},p=async E=>{y++;let " +
  "w=y,A=new URLSearchParams({from:String(E),find:t.value,show:" +
  "n.value});try{let O=await x(`coverage?${A}`);if(w!==y)return" +
  ";m(O),f(O)}catch(O){w===y&&(o.textContent=String(O))}},b=()=" +
  ">{p(0)};return t.addEventListener(\"input\",b),n.addEventListe" +
  "ner(\"change\",b),b(),{root:e(\"section\",{},e(\"h1\",{tabindex:-1" +
  "},\"Coverage\"),e(\"div\",{class:\"filters\",role:\"search\"},T(\"Ope" +
  "ration\",t),T(\"Show\",n),S(\"Refresh\",()=>p(u))),o,s,c,r),updat" +
  "e:()=>{}}}function fe(t,n){let o=e(\"button\",{type:\"button\"}," +
  "t);return o.addEventListener(\"click\",()=>{o.getAttribute(\"ar" +
  "ia-disabled\")!==\"true\"&&n()}),o}function he(t){let{operation" +
  ":n,authentication:o,grant:s,limit:r,input:i,output:a,other:c" +
  "}=t,{open:u,calls:l,denied:d}=t;return[e(\"span\",{},e(\"code\"," +
  "{},n),\" \",e(\"small\",{},t.table),t.shadow.length>0&&e(\"small\"" +
  ",{class:\"key act\"},`on trial: ${t.shadow.join(\", \")}`)),D(o)" +
  ",u?e(\"strong\",{class:\"bad\"},`open: ${s.join(\", \")||\"no grant" +
  " known\"}`):D(s),D(r),D(i),D(a),D(c),l===0?e(\"small\",{},\"neve" +
  "r\"):h(l),d===0?\"0\":e(\"span\",{class:\"bad\"},h(d))]}function D(" +
  "t){return t.join(\", \")||\"\\u2013\"}var Pe=100,Ve=2;function ge" +
  "(t,n){let o=e(\"input\",{type:\"search\",placeholder:\"code, oper" +
  "ation, caller \\u2026\"});t!==void 0&&(o.value=t);let s=e(\"sel" +
  "ect\",{},...[\"all\",\"denied\",\"failed\",\"succeeded\",\"acts\",\"on t" +
  "rial\"].map(w=>e(\"option\",{value:w},w)));n!==void 0&&(s.value" +
  "=n);let r=e(\"ol\",{class:\"events\",\"aria-label\":\"Newest decisi" +
  "ons\"}),i=e(\"p\",{class:\"told\"}),a=e(\"p\",{class:\"hidden\",role:" +
  "\"status\"}),c=!1,u=[],l=S(\"Pause\",()=>{c=!c,l.textContent=c?\"" +
  "Go on\":\"Pause\",l.setAttribute(\"aria-pressed\",String(c)),c||b" +
  "()}),d=new Map,y=()=>{let w=o.value.trim().toLowerCase(),A=n" +
  "ew Set(g.events.map(({id:k})=>k)),I=[...u.filter(({id:k})=>!" +
  "A.has(k)),...g.events].filter(k=>qe(k,s.value)&&Ie(k,w)),_=I" +
  ".slice(-Pe).toReversed(),W=new Set(_.map(({id:k})=>k)),[R]=[" +
  "...d].find(([,k])=>k.contains(document.activeElement))??[];f" +
  "or(let k of d.keys())!W.has(k)&&k!==R&&d.delete(k);let F=Ve," +
  "H=_.flatMap(k=>{let Q=d.get(k.id)??(F-- >0?_e(k):void 0);ret" +
  "urn Q===void 0?[]:(d.set(k.id,Q),[Q])}),G=R===void 0||W.has(" +
  "R)?void 0:d.get(R);G!==void 0&&H.push(G),je(r,H),F<0&&f();le" +
  "t z=g.left>0?` ${h(g.left)} came too fast to be sent.`:\"\";i." +
  "textContent=`${h(_.length)} of ${h(I.length)} shown.${z}`},m" +
  "=!1,f=()=>{m||(m=!0,requestAnimationFrame(()=>{m=!1,y()}))}," +
  "p=async w=>{let A=`decisions?request=${encodeURIComponent(w)" +
  "}`;u=await x(A).catch(()=>[]),v(),r.querySelector(\"details\")" +
  "?.setAttribute(\"open\",\"\")},b=()=>{!c&&!m&&y()},v=()=>{y(),a." +
  "textContent=i.textContent};o.addEventListener(\"input\",v),s.a" +
  "ddEventListener(\"change\",v),t!==void 0&&p(t);let E=e(\"sectio" +
  "n\",{},e(\"h1\",{tabindex:-1},\"Decisions\"),e(\"form\",{class:\"fil" +
  "ters\",role:\"search\"},T(\"Filter\",o),T(\"Show\",s),l),i,a,r);ret" +
  "urn E.querySelector(\"form\")?.addEventListener(\"submit\",w=>w." +
  "preventDefault()),{root:E,update:b}}function je(t,n){let o=n" +
  "ew Set(n);for(let r of Array.from(t.children))o.has(r)||r.re" +
  "move();let s=t.firstElementChild;for(let r of n)r===s?s=s.ne" +
  "xtElementSibling:t.insertBefore(r,s)}function qe(t,n){return" +
  " n===\"all\"?!0:n===\"acts\"?t.kind===\"act\":n===\"on trial\"?t.wou" +
  "ldDeny!==void 0:t.kind===\"decision\"&&t.outcome===n}function " +
  "Ie(t,n){if(n===\"\")return!0;let{operation:o,code:s,policy:r,p" +
  "rincipal:i,peer:a,requestId:c,act:u,tenant:l,client:d}=t;ret" +
  "urn[o,s,r,i,a,c,u,l,d].some(y=>y?.toLowerCase().includes(n)=" +
  "==!0)}function _e(t){let{outcome:n,operation:o,code:s,policy" +
  ":r,act:i,subject:a,principal:c,peer:u,kind:l}=t,d=e(\"details" +
  "\",{},e(\"summary\",{},M(t.time),e(\"span\",{class:`key ${l===\"ac" +
  "t\"?\"act\":n}`},l===\"act\"?\"act\":n),e(\"span\",{class:\"operation\"" +
  "},i??o??\"unknown operation\"),e(\"code\",{},s??\"\"),e(\"span\",{cl" +
  "ass:\"who\"},a??c??u??\"unknown caller\")));return d.addEventLis" +
  "tener(\"toggle\",()=>{d.open&&d.children.length===1&&d.append(" +
  "We(t,r))}),e(\"li\",{},d)}function We(t,n){let{requestId:o,tra" +
  "ce:s=[],wouldDeny:r=[],degraded:i=[],target:a,data:c}=t,u=[[" +
  "\"Denied by\",n&&`${n}: ${t.code??\"\"} (${t.denialKind??\"\"})`]," +
  "[\"Reason, for operators\",t.cause??t.reason],[\"Would be denie" +
  "d by\",r.join(\", \")],[\"Degraded\",i.join(\", \")],[\"Target\",a&&`" +
  "${a.type} ${a.id}`],[\"Data\",c&&JSON.stringify(c)],[\"Event\",`" +
  "${t.event} (${t.severity})`],[\"Protocol\",[t.protocol,t.statu" +
  "s].filter(l=>l!==void 0).join(\" \")],[\"Principal\",t.principal" +
  "],[\"Client\",t.client],[\"Tenant\",t.tenant],[\"API key\",t.apiKe" +
  "y],[\"Peer\",t.peer],[\"Latency\",t.latencyMs===void 0?void 0:`$" +
  "{t.latencyMs} ms`],[\"Request\",o&&e(\"a\",{href:`#decisions?req" +
  "uest=${encodeURIComponent(o)}`},o)],[\"Trace id\",t.traceId]];" +
  "return e(\"div\",{class:\"full\"},e(\"dl\",{},...u.flatMap(([l,d])" +
  "=>d===void 0||d===\"\"||d===!1?[]:[e(\"dt\",{},l),e(\"dd\",{},d)])" +
  "),s.length>0&&e(\"h2\",{},\"Policies that ran\"),s.length>0&&e(\"" +
  "ol\",{class:\"trace\"},...s.map(l=>e(\"li\",{class:/: denied/.tes" +
  "t(l)?\"bad\":void 0},l))))}function P(t,n,o,s){let r=e(\"p\",{cl" +
  "ass:\"bad\",role:\"alert\"}),i=e(\"button\",{type:\"submit\",class:\"" +
  "danger\"},o),a=e(\"button\",{type:\"button\"},\"Cancel\"),c=e(\"form" +
  "\",{},e(\"h2\",{id:\"dialog-title\"},t),...n,r,e(\"div\",{class:\"bu" +
  "ttons\"},a,i)),u=be(c),l=async()=>{i.disabled=!0;try{await s(" +
  "),u.close()}catch(d){r.textContent=d instanceof Error?d.mess" +
  "age:String(d),i.disabled=!1}};a.addEventListener(\"click\",()=" +
  ">u.close()),c.addEventListener(\"submit\",d=>{d.preventDefault" +
  "(),l()})}function V(t,...n){let o=e(\"button\",{type:\"button\"}" +
  ",\"Close\"),s=be(e(\"div\",{},e(\"h2\",{id:\"dialog-title\"},t),...n" +
  ",o));o.addEventListener(\"click\",()=>s.close())}var oe=new Ma" +
  "p;function Fe(t){let n=t?.closest(\"dialog\");return n?oe.get(" +
  "n)??null:t}function Ue(t){let n=t?.getAttribute(\"aria-label\"" +
  "),o=Array.from(document.querySelectorAll(\"main button\"),i=>i" +
  "),r=(t?.isConnected?t:o.find(i=>n&&i.getAttribute(\"aria-labe" +
  "l\")===n))??document.querySelector(\"main h1\");r instanceof HT" +
  "MLElement&&r.focus()}function be(t){let n=e(\"dialog\",{\"aria-" +
  "labelledby\":\"dialog-title\"},t),o=Fe(document.activeElement);" +
  "return n.addEventListener(\"close\",()=>{n.remove(),oe.delete(" +
  "n),document.querySelector(\"dialog\")===null&&Ue(o)}),oe.set(n" +
  ",o),document.body.append(n),n.showModal(),n}function j(t){re" +
  "turn t?\"\":\"It was done, but the audit trail did not record i" +
  "t. Tell the person who keeps the trail.\"}function ve(){let{k" +
  "eys:t,sessions:n}=g.abilities;return{root:e(\"section\",{},e(\"" +
  "h1\",{tabindex:-1},\"Keys and sessions\"),t?Ge():e(\"p\",{class:\"" +
  "empty\"},\"Give consoleRoutes the option keys to see API keys." +
  "\"),n?Ke():e(\"p\",{class:\"empty\"},\"Give consoleRoutes the opti" +
  "on sessions to see sessions.\")),update:()=>{}}}function Ge()" +
  "{let t=e(\"input\",{name:\"tenant\",placeholder:\"of no tenant\"})" +
  ",n=e(\"div\",{class:\"wide\"}),o=e(\"p\",{class:\"hidden\",role:\"sta" +
  "tus\"}),s=[],r=async()=>{try{let{keys:l,next:d}=await $(\"keys" +
  "/list\",{tenant:t.value,after:s.at(-1)});C(n,L(\"API keys\",[\"N" +
  "ame\",\"Id\",\"Owner\",\"Status\",\"Age\",\"Last used\",\"Expires\",\"Acts" +
  "\"],l.map(y=>i(y)),\"There are no keys here.\"),d!==void 0&&S(\"" +
  "Next\",()=>(s.push(d),r()))),o.textContent=we(l.length,\"key\")" +
  "}catch(l){C(n,e(\"p\",{class:\"bad\",role:\"alert\"},l instanceof " +
  "Error?l.message:String(l)))}},i=l=>{let{name:d,id:y,owner:m," +
  "status:f,createdAt:p,lastUsedAt:b,expiresAt:v,previous:E}=l," +
  "w=f===\"revoked\",A=E!==void 0&&E.until>Date.now();return[d,e(" +
  "\"code\",{},y),`${m.type} ${m.id}`,e(\"span\",{class:w?\"bad\":voi" +
  "d 0},f,A?\", old secret still good until \":\"\",A&&M(E.until))," +
  "Be(p),M(b),M(v),g.abilities.acts&&!w&&e(\"span\",{class:\"butto" +
  "ns\"},S(\"Rotate \\u2026\",()=>a(l),\"\",l.name),S(\"Revoke \\u2026\"" +
  ",()=>c(l),\"danger\",l.name))]},a=({id:l,name:d,generation:y})" +
  "=>{let m=e(\"input\",{type:\"number\",min:0,max:720,step:1,value" +
  ":24,required:!0});P(`Rotate the key \\u201C${d}\\u201D?`,[T(\"H" +
  "ours for which the old secret stays good\",m)],\"Rotate\",async" +
  "()=>{let f={id:l,generation:y,overlapHours:m.valueAsNumber}," +
  "{key:p,recorded:b}=await $(\"keys/rotate\",f);await r(),V(\"The" +
  " new key\",\"It is shown once, here.\",e(\"code\",{class:\"secret\"" +
  "},p),e(\"p\",{class:\"bad\"},j(b)))})},c=({id:l,name:d})=>{let y" +
  "=e(\"input\",{maxlength:512,required:!0});P(`Revoke the key \\u" +
  "201C${d}\\u201D?`,[\"Nobody can undo this.\",T(\"Reason, for the" +
  " audit trail\",y)],\"Revoke\",async()=>{let{recorded:m}=await $" +
  "(\"keys/revoke\",{id:l,reason:y.value});await r(),m||V(\"Revoke" +
  "d\",j(m))})},u=e(\"form\",{class:\"filters\"},T(\"Tenant\",t),e(\"bu" +
  "tton\",{},\"List\"));return u.addEventListener(\"submit\",l=>{l.p" +
  "reventDefault(),s=[],r()}),r(),e(\"section\",{class:\"panel\"},e" +
  "(\"h2\",{},\"API keys\"),u,o,n)}function Ke(){let t=e(\"input\",{n" +
  "ame:\"issuer\",required:!0}),n=e(\"input\",{name:\"subject\",requi" +
  "red:!0}),o=e(\"div\",{class:\"wide\"}),s=e(\"p\",{class:\"hidden\",r" +
  "ole:\"status\"}),r=()=>({issuer:t.value,subject:n.value}),i=as" +
  "ync()=>{let u=r();try{let l=await $(\"sessions/list\",u);C(o,L" +
  "(\"Sessions\",[\"Client\",\"Began\",\"Last seen\",\"Ends\",\"Acts\"],l.m" +
  "ap(({handle:d,clientId:y,createdAt:m,seenAt:f,expiresAt:p})=" +
  ">[y,M(m),M(f),M(p),g.abilities.acts&&S(\"End \\u2026\",()=>a({." +
  "..u,handle:d},\"this session\"),\"danger\",d.slice(0,8))]),\"This" +
  " user has no session.\"),l.length>1&&g.abilities.acts&&S(\"End" +
  " all \\u2026\",()=>a({...u,all:!0},\"all of them\"),\"danger\")),s" +
  ".textContent=we(l.length,\"session\")}catch(l){C(o,e(\"p\",{clas" +
  "s:\"bad\",role:\"alert\"},l instanceof Error?l.message:String(l)" +
  "))}},a=(u,l)=>P(`End ${l}?`,[\"The user has to sign in again." +
  "\"],\"End\",async()=>{let{recorded:d}=await $(\"sessions/end\",u)" +
  ";await i(),d||V(\"Ended\",j(d))}),c=e(\"form\",{class:\"filters\"}" +
  ",T(\"Issuer\",t),T(\"Subject\",n),e(\"button\",{},\"List\"));return " +
  "c.addEventListener(\"submit\",u=>{u.preventDefault(),i()}),e(\"" +
  "section\",{class:\"panel\"},e(\"h2\",{},\"Sessions of a user\"),c,s" +
  ",o)}function we(t,n){return t===1?`One ${n} is listed.`:`${h" +
  "(t)} ${n}s are listed.`}function Be(t){let n=Math.floor((Dat" +
  "e.now()-t)/864e5);return e(\"span\",{class:n>365?\"bad\":void 0}" +
  ",n===0?\"today\":`${n} days`)}function Ee(){let t=e(\"div\",{})," +
  "n=e(\"div\",{}),o=e(\"div\",{\"aria-live\":\"polite\"}),s=e(\"p\",{cla" +
  "ss:\"bad\",role:\"alert\"}),r=e(\"select\",{name:\"limit\"}),i=e(\"in" +
  "put\",{name:\"key\",required:!0}),a=e(\"input\",{name:\"tenant\"})," +
  "c=async m=>{s.textContent=\"\";let f={limit:r.value,...m},p=m." +
  "alias??m.key??\"\";try{let b=await $(\"limits/read\",f);C(o,e(\"h" +
  "3\",{},`${f.limit}: ${p}`),L(\"What is left\",[\"Kind\",\"Left\",\"O" +
  "f\",\"Share\",\"Full again in\"],b.map(v=>[v.algorithm,h(Math.flo" +
  "or(v.remaining)),h(v.capacity),e(\"meter\",{min:0,max:v.capaci" +
  "ty,low:v.capacity*.2,value:v.remaining,\"aria-hidden\":\"true\"}" +
  "),`${h(Math.ceil(v.resetAfterMs/1e3))} s`]),\"This limit coun" +
  "ts nothing.\"),g.abilities.acts&&S(\"Reset \\u2026\",()=>u(f,p)," +
  "\"danger\"))}catch(b){s.textContent=b instanceof Error?b.messa" +
  "ge:String(b)}},u=(m,f)=>P(`Reset the limit of ${f}?`,[\"What " +
  "was used is forgotten.\"],\"Reset\",async()=>{let{recorded:p}=a" +
  "wait $(\"limits/reset\",m);p||V(\"Reset\",j(p)),await c(m)}),l=a" +
  "sync()=>{try{let m=await x(\"limits\"),f=r.value;C(r,...m.limi" +
  "ts.map(p=>e(\"option\",{},p))),m.limits.includes(f)&&(r.value=" +
  "f),C(t,L(\"Callers who call most\",[\"Caller\",\"Calls\",\"Denied\"," +
  "\"Acts\"],m.hottest.map(({alias:p,calls:b,denied:v})=>[e(\"code" +
  "\",{},p),h(b),v>0?e(\"span\",{class:\"bad\"},h(v)):\"0\",m.limits.l" +
  "ength>0&&S(\"Look\",()=>c({alias:p}),\"\",p)]),\"Nobody called in" +
  " the last minutes.\")),C(n,L(\"Limits that would fit\",[\"Operat" +
  "ion\",\"Calls of a caller in a minute\",\"Learned from\"],m.sugge" +
  "sted.map(({operation:p,perMinute:b,observations:v})=>[e(\"cod" +
  "e\",{},p),h(b),`${h(v)} caller-minutes`]),\"Nothing was learne" +
  "d yet: give consoleRoutes the option usage, and it some minu" +
  "tes.\"))}catch(m){s.textContent=String(m)}};l();let d=e(\"form" +
  "\",{class:\"filters\"},T(\"Limit\",r),T(\"Caller, as the limit cou" +
  "nts it\",i),T(\"Tenant\",a),e(\"button\",{},\"Look\"));return d.add" +
  "EventListener(\"submit\",m=>{m.preventDefault(),c({key:i.value" +
  ",...a.value!==\"\"&&{tenant:a.value}})}),{root:e(\"section\",{}," +
  "e(\"h1\",{tabindex:-1},\"Limits\"),e(\"div\",{class:\"columns\"},e(\"" +
  "section\",{class:\"panel\"},e(\"h2\",{},\"Hottest callers, last mi" +
  "nutes\"),t,e(\"p\",{class:\"buttons\"},S(\"Refresh\",l))),e(\"sectio" +
  "n\",{class:\"panel\"},e(\"h2\",{},\"What is left to a caller\"),g.a" +
  "bilities.limits?d:e(\"p\",{class:\"empty\"},\"Give consoleRoutes " +
  "the option limits.\"),s,o),e(\"section\",{class:\"panel\"},e(\"h2\"" +
  ",{},\"Suggested limits\"),n))),update:()=>{}}}var J=120,se=120" +
  ",U=[\"succeeded\",\"denied\",\"failed\",\"aborted\"];function Ce(){l" +
  "et t=e(\"dl\",{class:\"tiles\"}),n=e(\"figure\",{}),o=e(\"div\",{})," +
  "s=e(\"div\",{});return{root:e(\"section\",{},e(\"h1\",{tabindex:-1" +
  "},\"Now\"),t,n,e(\"div\",{class:\"columns\"},Le(\"Denials by code, " +
  "last minutes\",o),Le(\"Health\",s))),update:()=>{let{latest:a}=" +
  "g;if(a===void 0)return;let c=Math.floor(a.now/1e3),u=Array.f" +
  "rom({length:J},(f,p)=>{let[,...b]=g.seconds.get(c-J+p)??[0,0" +
  ",0,0,0];return b}),l=U.map((f,p)=>u.reduce((b,v)=>b+(v[p]??0" +
  "),0)),y=u.slice(-10).flat().reduce((f,p)=>f+p,0)/10;t.replac" +
  "eChildren(...ke(\"Decisions a second\",y<10?y.toFixed(1):h(Mat" +
  "h.round(y))),...U.flatMap((f,p)=>ke(`${f}, 2 min`,h(l[p]??0)" +
  ",f))),n.replaceChildren(Je(u,l),e(\"figcaption\",{},\"The last " +
  "two minutes. \",...U.flatMap(f=>[e(\"span\",{class:`key ${f}`}," +
  "f),\" \"]))),Y(o,N(\"Codes\",a.codes,\"Nothing was denied.\"));let" +
  " m=a.sinks.filter(({healthy:f,lost:p})=>!f||p>0);Y(s,a.degra" +
  "ded.length>0&&e(\"h3\",{},\"Unavailable or degraded, last minut" +
  "es\"),m.length===0&&a.degraded.length===0?e(\"p\",{class:\"good\"" +
  "},\"\\u2713 No store or sink is degraded.\"):N(\"Degraded\",a.deg" +
  "raded,\"No decision is degraded.\"),e(\"h3\",{},\"Sinks of the au" +
  "dit trail\"),L(\"Sinks of the audit trail\",[\"Sink\",\"State\",\"Wa" +
  "iting\",\"Lost\"],a.sinks.map(({name:f,healthy:p,queued:b,lost:" +
  "v})=>[f,p?\"ok\":e(\"strong\",{class:\"bad\"},\"failing\"),h(b),v>0?" +
  "e(\"strong\",{class:\"bad\"},h(v)):\"0\"]),\"There are no sinks.\")," +
  "a.shadow.length>0&&e(\"h3\",{},\"Policies on trial would have d" +
  "enied, last day\"),a.shadow.length>0&&N(\"Shadow\",a.shadow,\"\")" +
  ")}}}function Le(t,n){return e(\"section\",{class:\"panel\"},e(\"h" +
  "2\",{},t),n)}function ke(t,n,o=\"\"){return[e(\"div\",{class:`til" +
  "e ${o}`},e(\"dt\",{},t),e(\"dd\",{},n))]}function Je(t,n){let o=" +
  "Math.max(1,...t.map(a=>a.reduce((c,u)=>c+u,0))),s=a=>(se-a/o" +
  "*se).toFixed(1),r=U.map((a,c)=>{let u=d=>d.slice(0,c).reduce" +
  "((y,m)=>y+m,0),l=t.map((d,y)=>{let[m,f]=[u(d),d[c]??0];retur" +
  "n f===0?\"\":`M${y} ${s(m)}V${s(m+f)}h.85V${s(m)}z`});return X" +
  "(\"path\",{class:a,d:l.join(\"\")})}),i=U.map((a,c)=>`${n[c]} ${" +
  "a}`).join(\", \");return X(\"svg\",{class:\"chart\",viewBox:`0 0 $" +
  "{J} ${se}`,preserveAspectRatio:\"none\",role:\"img\",\"aria-label" +
  "\":`Decisions in each of the last ${J} seconds: ${i}; at most" +
  " ${o} in one second.`},...r)}function Se(){let t=e(\"p\",{clas" +
  "s:\"told\",role:\"status\"},\"Loading \\u2026\"),n=e(\"div\",{class:\"" +
  "wide\"}),o=e(\"div\",{class:\"wide\"}),s=async()=>{try{let i=awai" +
  "t x(\"shadow\"),a=i.trials.reduce((c,u)=>c+u.admitted,0);t.tex" +
  "tContent=`Calls of the last day that were let in, and that p" +
  "olicies on trial would have denied: ${h(a)}.`,C(n,L(\"What po" +
  "licies on trial would have denied\",[\"Operation\",\"Policy\",\"Co" +
  "de\",\"Would be denied\",\"Of them let in\"],i.trials.map(({opera" +
  "tion:c,policy:u,code:l,would:d,admitted:y})=>[e(\"code\",{},c)" +
  ",u,e(\"code\",{},l),h(d),y>0?e(\"strong\",{class:\"bad\"},h(y)):\"0" +
  "\"]),\"No policy on trial would have denied a call.\")),C(o,L(\"" +
  "Policies on trial that would have denied nothing\",[\"Operatio" +
  "n\",\"Policy\",\"Calls since the feed began\"],i.silent.map(({ope" +
  "ration:c,table:u,policy:l,calls:d})=>[e(\"span\",{},e(\"code\",{" +
  "},c),\" \",e(\"small\",{},u)),l,d===0?e(\"small\",{},\"never called" +
  "\"):h(d)]),\"There is none, or consoleRoutes has no tables.\"))" +
  "}catch(i){t.textContent=i instanceof Error?i.message:String(" +
  "i)}};return s(),{root:e(\"section\",{},e(\"h1\",{tabindex:-1},\"S" +
  "hadow\"),t,e(\"section\",{class:\"panel\"},e(\"h2\",{},\"Would have " +
  "been denied, last day\"),n),e(\"section\",{class:\"panel\"},e(\"h2" +
  "\",{},\"On trial, and denied nothing\"),o),e(\"p\",{},S(\"Refresh\"" +
  ",s),\" \",e(\"a\",{href:\"#decisions?kind=on%20trial\"},\"The calls" +
  "\"))),update:()=>{}}}var re={now:{title:\"Now\",make:Ce},covera" +
  "ge:{title:\"Coverage\",make:ye},decisions:{title:\"Decisions\",m" +
  "ake:ge},limits:{title:\"Limits\",make:Ee},shadow:{title:\"Shado" +
  "w\",make:Se},keys:{title:\"Keys and sessions\",make:ve}},Te=doc" +
  "ument.querySelector(\"main\"),Me=document.querySelector(\"nav\")" +
  ",ie=document.querySelector(\"#status\"),q,ae=!1;function xe(){" +
  "let[t=\"\",n=\"\"]=location.hash.slice(1).split(\"?\");if(t===\"mai" +
  "n\")return Te.focus();let o=Object.hasOwn(re,t)?t:\"now\",s=re[" +
  "o];if(s===void 0)return;let r=q!==void 0,i=new URLSearchPara" +
  "ms(n);q=s.make(i.get(\"request\")??void 0,i.get(\"kind\")??void " +
  "0),q.update(),Te.replaceChildren(q.root),document.title=`${s" +
  ".title} \\xB7 apisec console`;for(let a of Me.querySelectorAl" +
  "l(\"a\"))a.hash===`#${o}`?a.setAttribute(\"aria-current\",\"page\"" +
  "):a.removeAttribute(\"aria-current\");r&&q.root.querySelector(" +
  "\"h1\")?.focus()}function ze(){ae||(ae=!0,requestAnimationFram" +
  "e(()=>{ae=!1,q?.update()}))}var Ae={live:\"Live\",reconnecting" +
  ":\"Reconnecting \\u2026\",denied:\"Not connected: signed out, or" +
  " too many pages are open. Reload to sign in.\"};function Qe(t" +
  "){ie.textContent!==Ae[t]&&(ie.textContent=Ae[t],ie.className" +
  "=t)}Me.append(...Object.entries(re).map(([t,{title:n}])=>e(\"" +
  "a\",{href:`#${t}`},n)));addEventListener(\"hashchange\",xe);g.a" +
  "bilities=await x(\"abilities\").catch(()=>g.abilities);xe();te" +
  "(ze,Qe);\n";
