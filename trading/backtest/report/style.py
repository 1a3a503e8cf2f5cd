"""How the report looks, in light and dark, on a desk and on a phone; and the crosshair of its charts."""

STYLE = """
:root{--bg:#fbfbf9;--card:#fff;--ink:#1a1d21;--soft:#626a73;--rule:#e4e5e1;--grid:#eeeeea;--run:#1550c0;
--gain:#0d7a55;--loss:#b83a2b;--warn:#96650a;--cash:#8b9096;--btc:#c47b12;--basket:#0f8a8a;--a:#8154c7;--b:#c2508b;
--vote:#53872c}
@media(prefers-color-scheme:dark){:root{--bg:#111417;--card:#181c20;--ink:#e6e8ea;--soft:#98a1aa;--rule:#2a3036;
--grid:#22272c;--run:#74a5ff;--gain:#4fc796;--loss:#f08070;--warn:#e0b050;--cash:#8d959d;--btc:#e8a548;
--basket:#4bbdbd;--a:#b394ea;--b:#ea8cba;--vote:#95c66b}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.1rem;margin:0 0 .25rem}
section{margin-top:2.75rem;padding-top:1.1rem;border-top:1px solid var(--rule)}
.meta,.note{color:var(--soft);margin:.1rem 0 .9rem;max-width:92ch;overflow-wrap:anywhere}
.say{font-size:1.06rem;max-width:72ch;margin:1rem 0}
.verdict{display:inline-block;font-weight:650;letter-spacing:.04em;padding:.15rem .6rem;border-radius:4px;
border:1.5px solid currentColor}
.verdict.met{color:var(--gain)}.verdict.not{color:var(--loss)}.verdict.open{color:var(--warn)}
.proxy{color:var(--warn);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:1px;background:var(--rule);
border:1px solid var(--rule);border-radius:6px;overflow:hidden;margin:1.25rem 0 0}
.tiles div{background:var(--card);padding:.7rem .85rem}
.tiles b{display:block;font-size:1.3rem;font-weight:600;line-height:1.3}
.tiles span{color:var(--soft);font-size:.8rem}
.tiles small{display:block;color:var(--soft);font-size:.76rem}
.gain{color:var(--gain)}.loss{color:var(--loss)}
.scroll{overflow-x:auto;margin:.5rem 0 1rem;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;font-size:.86rem;min-width:min(100%,34rem)}table.wide{width:100%}
caption{text-align:left;color:var(--soft);font-size:.82rem;padding:.2rem 0 .35rem}
th,td{text-align:right;padding:.3rem .55rem;border-bottom:1px solid var(--grid);white-space:nowrap}
th{color:var(--soft);font-weight:500;border-bottom-color:var(--rule)}
th.t,td.t{text-align:left}
table.words td{white-space:normal;overflow-wrap:anywhere;min-width:5.8rem}
table.words td:first-child{white-space:nowrap}
td.heat{background:color-mix(in srgb,var(--hue) calc(var(--v)*1%),transparent)}
details{margin:.4rem 0}summary{cursor:pointer;color:var(--soft);font-size:.86rem;padding:.2rem 0}
figure{margin:.5rem 0 0}
.plot{position:relative;height:var(--tall,21rem);margin:0 var(--room,8.6rem) 1.9rem 2.7rem;touch-action:pan-y}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.plot path{vector-effect:non-scaling-stroke;fill:none}
.grid{stroke:var(--grid);stroke-width:1}.base{stroke:var(--soft);stroke-width:1}
.tier{stroke:var(--loss);stroke-width:1;stroke-dasharray:4 4;opacity:.75}
.line{stroke:var(--hue);stroke-width:1.15;opacity:.9}.line.own{stroke-width:2.2;opacity:1}
.line.raw{stroke-dasharray:3 3}.plot .area{fill:var(--hue);opacity:.14}
.own{--hue:var(--run)}.k-cash{--hue:var(--cash)}.k-btc{--hue:var(--btc)}.k-basket{--hue:var(--basket)}
.k-trend-a{--hue:var(--a)}.k-trend-b{--hue:var(--b)}.k-trend-vote{--hue:var(--vote)}.k-fall{--hue:var(--loss)}
.k-soft{--hue:var(--soft)}.k-1{--hue:var(--btc)}.k-2{--hue:var(--basket)}.k-3{--hue:var(--a)}.k-4{--hue:var(--b)}
.k-5{--hue:var(--vote)}
.y,.x,.end,.mark{position:absolute;font-size:.74rem;line-height:1;white-space:nowrap}
.y{right:100%;padding-right:.5rem;transform:translateY(-50%);color:var(--soft)}
.x{top:100%;padding-top:.5rem;color:var(--soft)}
.x::before{content:"";position:absolute;left:0;top:0;height:.35rem;border-left:1px solid var(--soft)}
.end{left:100%;padding-left:.5rem;
max-width:calc(var(--room,8.6rem) + .3rem);overflow:hidden;text-overflow:ellipsis;line-height:1.3;
transform:translateY(-50%);color:var(--hue)}
.end.own{font-weight:650}
.mark{left:100%;padding-left:.5rem;transform:translateY(-50%);color:var(--loss)}
.picks{display:flex;flex-wrap:wrap;gap:.3rem 1.5rem;font-size:.84rem;color:var(--soft);margin:.2rem 0 1.1rem}
.picks fieldset{border:0;margin:0;padding:0;display:flex;gap:.9rem}.picks legend{display:none}
.picks label{cursor:pointer}.picks input{accent-color:var(--run);margin:0 .3rem 0 0}
figure:has(.p-log:checked) .s-lin,figure:has(.p-lin:checked) .s-log{display:none}
figure:has(.p-ruled:checked) .raw,figure:has(.p-raw:checked) .ruled,
figure:has(.p-raw:checked) .set-ruled,figure:not(:has(.p-raw:checked)) .set-raw{display:none}
.cross{position:absolute;top:0;bottom:0;border-left:1px solid var(--soft);pointer-events:none}
.tip{position:absolute;top:.2rem;background:var(--card);border:1px solid var(--rule);border-radius:4px;
padding:.35rem .55rem;font-size:.76rem;line-height:1.45;pointer-events:none;white-space:nowrap;z-index:2;
box-shadow:0 2px 10px #0002}
.tip i{font-style:normal;color:var(--hue)}
@media(max-width:900px){.tiles{grid-template-columns:repeat(3,1fr)}}
@media(max-width:640px){.tiles{grid-template-columns:repeat(2,1fr)}
main{padding:1.25rem .9rem 3rem}
.plot{margin-right:6.8rem;margin-left:2.1rem}
caption,.plain .t,table.words td:first-child{white-space:normal}.plain td:first-child{min-width:7rem}
.end,.mark,.y,.x{font-size:.66rem}.end,.mark{padding-left:.3rem}.end{max-width:7rem}h1{font-size:1.35rem}}
@media print{details>*{display:block}.picks{display:none}}
:focus-visible{outline:2px solid var(--run);outline-offset:2px}
"""

SCRIPT = """
for(const plot of document.querySelectorAll('.plot[data-first]')){
const make=name=>document.createElement(name),cross=make('div'),tip=make('div');
cross.className='cross';tip.className='tip';
cross.hidden=tip.hidden=true;plot.append(cross,tip);
const {first,last,points,kind}=plot.dataset,from=Date.parse(first),to=Date.parse(last),n=+points;
const read=p=>{const y=p.getAttribute('d').match(/-?\\d+/g).map(Number),out=[y[1]];
for(let i=3;i<y.length;i+=2)out.push(out[out.length-1]+y[i]);return out};
plot.addEventListener('pointermove',e=>{const r=plot.getBoundingClientRect(),x=(e.clientX-r.left)/r.width;
if(x<0||x>1){cross.hidden=tip.hidden=true;return}
const i=Math.round(x*(n-1)),lines=[];
for(const svg of plot.querySelectorAll('svg')){if(getComputedStyle(svg).display==='none')continue;
const lo=+svg.dataset.low,hi=+svg.dataset.high,log=svg.dataset.log;
for(const p of svg.querySelectorAll('path.line')){if(getComputedStyle(p).display==='none')continue;
p.heights??=read(p);const t=p.heights[i]/DEPTH,v=log?hi*Math.pow(lo/hi,t):hi-(hi-lo)*t;
lines.push([v,p])}}
lines.sort((a,b)=>b[0]-a[0]);
tip.replaceChildren(new Date(from+(to-from)*i/(n-1)).toISOString().slice(0,10));
for(const [v,p] of lines){const row=make('div'),name=make('i');
row.className=[...p.classList].filter(c=>c!=='line'&&c!=='raw'&&c!=='ruled').join(' ');
name.textContent=p.dataset.name;row.append(name,' '+(kind==='share'?(100*v).toFixed(1)+' %':v.toFixed(1)));
tip.append(row)}
cross.hidden=tip.hidden=false;cross.style.left=100*x+'%';
tip.style.left=x>.5?'auto':'calc('+100*x+'% + 10px)';
tip.style.right=x>.5?'calc('+(100-100*x)+'% + 10px)':'auto'});
plot.addEventListener('pointerleave',()=>{cross.hidden=tip.hidden=true})}
"""
