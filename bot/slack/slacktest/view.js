'use strict';
const user = document.body.dataset.user, channel = document.body.dataset.channel;
const all = (css, root = document) => [...root.querySelectorAll(css)];

// say tells the fake what this person does; what went wrong is shown for a moment.
async function act(what) {
  const r = await fetch('/view/act', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({user, channel, ...what})});
  const answer = r.ok ? await r.json() : {trouble: await r.text()};
  const note = document.querySelector('#trouble');
  note.hidePopover();
  note.textContent = answer.trouble || '';
  if (answer.trouble) note.showPopover();
  await refresh();
  return answer;
}

// valueOf is what an input holds: a text, or a list where more than one thing can be chosen.
function valueOf(el) {
  const menu = el.querySelector('select'), chosen = menu ? [...menu.selectedOptions] : all('input:checked', el);
  if (el.dataset.type === 'checkboxes' || el.dataset.type.startsWith('multi_')) return chosen.map(c => c.value);
  if (el.dataset.type === 'radio_buttons') return chosen.map(c => c.value)[0] || '';
  return el.querySelector('input, textarea, select')?.value ?? '';
}

async function press(el, what) {
  el.classList.add('busy');
  try { await act(what); } finally { el.classList.remove('busy'); }
}

// ask shows a dialog of confirmation; it stays as it is although its message may change meanwhile.
function ask(dialog, then) {
  const d = document.body.appendChild(dialog.cloneNode(true));
  d.querySelector('.deny').onclick = () => d.close();
  d.querySelector('.confirmed').onclick = () => { d.close(); then(); };
  d.onclose = () => d.remove();
  d.showModal();
}

function trigger(el, source, what) {
  if (el.dataset.url) window.open(el.dataset.url, '_blank', 'noreferrer');
  const said = {do: source.dataset.view ? 'press' : 'click', ts: source.dataset.ts, what};
  const dialog = el.nextElementSibling;
  if (dialog && dialog.matches('dialog.confirm')) ask(dialog, () => press(el, said)); else press(el, said);
}

document.addEventListener('click', e => {
  const el = e.target.closest('[data-press].button'), source = e.target.closest('article, dialog.modal');
  if (el && source) trigger(el, source, el.closest('.overflow') ? el.dataset.value : el.dataset.press);
  if (e.target.matches('dialog.modal .close')) act({do: 'dismiss'});
  if (e.target.matches('.more')) { e.target.parentElement.classList.toggle('folded'); e.target.textContent = e.target.parentElement.matches('.folded') ? 'See more' : 'See less'; }
});

document.addEventListener('change', e => {
  if (e.target.id === 'who') { const u = new URL(location); u.searchParams.set('user', e.target.value); location = u; return; }
  const el = e.target.closest('.element'), source = e.target.closest('article, dialog.modal');
  if (el && source && !el.closest('.input')) trigger(el, source, [valueOf(el)].flat().at(-1) || '');
});

document.addEventListener('cancel', e => {
  if (e.target.matches('dialog.modal')) { e.preventDefault(); act({do: 'dismiss'}); }
}, true);

document.addEventListener('submit', async e => {
  e.preventDefault();
  if (e.target.matches('.composer')) {
    const box = e.target.querySelector('textarea'), text = box.value.trim();
    if (!text) return;
    box.value = '';
    await act({do: 'say', text, thread: e.target.dataset.thread});
    return;
  }
  const form = e.target.closest('dialog.modal'), inputs = all('.input', form), wrong = {}, values = {};
  for (const input of inputs) {
    const box = input.querySelector('input, textarea'), id = input.dataset.block;
    values[id] = valueOf(input.querySelector('.element'));
    if (values[id].length === 0 && 'required' in input.dataset) wrong[id] = 'Please complete this required field.';
    else if (box && !box.checkValidity()) wrong[id] = box.validationMessage;
  }
  const errors = Object.keys(wrong).length ? wrong : (await act({do: 'submit', values})).errors || {};
  for (const input of inputs) input.querySelector('.problem').textContent = errors[input.dataset.block] || '';
});

document.addEventListener('keydown', e => {
  if (e.target.matches('.composer textarea') && e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); e.target.form.requestSubmit(); }
});

// fold does what Slack does to a section that is not marked as expanded: beyond some lines one has to ask for the rest.
function fold() {
  for (const s of all('.section:not([data-expand], [data-seen])')) {
    s.dataset.seen = '';
    const text = s.firstElementChild;
    if (!text || text.scrollHeight <= 6.5 * parseFloat(getComputedStyle(text).lineHeight)) continue;
    s.classList.add('folded');
    const more = s.appendChild(document.createElement('button'));
    more.type = 'button'; more.className = 'more'; more.textContent = 'See more';
  }
}

// patch brings the children of one region to what the server shows now; what has not changed is left alone.
function patch(region, next) {
  const atEnd = region.scrollHeight - region.scrollTop - region.clientHeight < 40;
  const old = new Map([...region.children].map(c => [c.id, c]));
  let before = null;
  for (const c of [...next.children]) {
    const had = old.get(c.id);
    old.delete(c.id);
    let now = had;
    if (!had) now = c; else if (had.dataset.v !== c.dataset.v) { had.replaceWith(c); now = c; }
    const place = before ? before.nextElementSibling : region.firstElementChild;
    if (now !== place) region.insertBefore(now, place);
    before = now;
  }
  for (const gone of old.values()) gone.remove();
  if (atEnd) region.scrollTop = region.scrollHeight;
}

function settle() {
  fold();
  for (const d of all('dialog.modal:not([open])')) d.showModal();
}

let asked = 0, running = null;
async function refresh() {
  asked++;
  running ??= (async () => {
    try {
      for (let seen = 0; seen !== asked;) {
        seen = asked;
        const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
        for (const region of all('#channels, #log, #replies, #forms')) {
          const next = page.getElementById(region.id);
          if (next) patch(region, next);
        }
        settle();
      }
    } finally { running = null; }
  })();
  await running;
}

for (const log of all('.log')) log.scrollTop = log.scrollHeight;
settle();
const live = new EventSource('/view/events');
live.onopen = live.onmessage = () => refresh().catch(() => {});
