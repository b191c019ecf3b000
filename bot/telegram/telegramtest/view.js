'use strict';
const here = {user: document.body.dataset.user, chat: +document.body.dataset.chat, thread: +document.body.dataset.thread};
const $ = css => document.querySelector(css);
const spinning = new Map(); // the button of each press that waits for its answer
let replyTo = 0;

function toast(text) {
  const note = $('#toast');
  note.hidePopover();
  note.textContent = text;
  if (text) { note.showPopover(); setTimeout(() => note.hidePopover(), 5000); }
}

async function act(what) {
  const r = await fetch('/view/act', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({...here, ...what})});
  if (r.ok) return r.json();
  toast(await r.text());
}

// answers shows what the bot said to the presses of this page.
function answers() {
  for (const [query, key] of spinning) {
    const said = $(`#toasts li[data-query="${query}"]`);
    if (!said) { for (const b of document.querySelectorAll('.row button')) if (key === keyOf(b)) b.classList.add('busy'); continue; }
    spinning.delete(query);
    for (const b of document.querySelectorAll('.row button.busy')) if (key === keyOf(b)) b.classList.remove('busy');
    if (!('alert' in said.dataset)) { toast(said.textContent); continue; }
    $('#alert p').textContent = said.textContent;
    if (!$('#alert').open) $('#alert').showModal();
  }
}

const keyOf = b => b.closest('article').dataset.id + ' ' + b.dataset.press;

async function refresh() {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
  const log = $('#log'), low = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const id of ['log', 'toasts']) if ($('#' + id).innerHTML !== page.getElementById(id).innerHTML) $('#' + id).innerHTML = page.getElementById(id).innerHTML;
  const asks = page.querySelector('#below');
  if (asks.dataset.asked !== $('#below').dataset.asked) { $('#below').replaceWith(asks); replyTo = +asks.dataset.asked; }
  if (low) log.scrollTop = log.scrollHeight;
  answers();
}

document.addEventListener('click', async e => {
  const b = e.target.closest('button'), of = e.target.closest('article');
  if (!b || !of) return;
  if (b.dataset.url) { window.open(b.dataset.url, '_blank', 'noreferrer'); return; }
  if (b.classList.contains('reply')) {
    replyTo = +of.dataset.id;
    $('textarea').placeholder = 'Reply to ' + of.querySelector('.text').textContent.slice(0, 30);
    $('textarea').focus();
    return;
  }
  b.classList.add('busy');
  const query = await act({message: +of.dataset.id, what: b.dataset.press});
  if (query) { spinning.set(query, keyOf(b)); answers(); } else b.classList.remove('busy');
});

document.addEventListener('submit', async e => {
  if (e.target.id !== 'composer') return;
  e.preventDefault();
  const box = $('textarea'), text = box.value;
  box.value = '';
  if (await act({text, reply: replyTo}) !== undefined) { replyTo = 0; box.placeholder = 'Message'; }
});

document.addEventListener('keydown', e => {
  if (e.target.matches('textarea') && e.key === 'Enter' && !e.shiftKey) { e.preventDefault(); $('#composer').requestSubmit(); }
});

$('#where').onchange = e => { location = e.target.value; };
$('#who').onchange = e => { const to = new URL(location); to.searchParams.set('user', e.target.value); location = to; };
replyTo = +$('#below').dataset.asked;
$('#log').scrollTop = $('#log').scrollHeight;

// One look at a time; what changes meanwhile is looked at after it.
let looking = false, again = false;
new EventSource('/view/events').onmessage = async () => {
  again = true;
  if (looking) return;
  looking = true;
  while (again) { again = false; try { await refresh(); } catch { /* the server is away: the next event looks again */ } }
  looking = false;
};
