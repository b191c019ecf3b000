// The console's page: cards from server-sent events, answers by POST. All text enters the page as text, never as markup.
'use strict';
(() => {
  const body = document.body, L = JSON.parse(body.dataset.labels), csrf = body.dataset.csrf;
  const $ = id => document.getElementById(id);
  const log = $('log'), status = $('status'), lost = $('lost'), live = $('live'), line = $('line'), down = $('down');
  const t = (id, n, w) => (L[id] || id).replace('%n', n).replace('%w', w);
  const open = new Set(['waiting', 'held', 'unknown', 'failed', 'unverified', 'running', 'down']);
  const urgent = new Set(['waiting', 'held', 'unknown', 'failed', 'unverified', 'down']);
  const cards = new Map(); // key → {el, m, order, sig, drafts, folds, ask, busy, note}
  const mine = []; // cards that were shown to this person alone
  let skew = 0, loaded = false, heard = Date.now(), answered = 0;

  function el(tag, props, ...kids) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(props || {})) {
      if (v === undefined || v === null || v === false) continue;
      if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
      else if (k === 'class') e.className = v;
      else if (k in e && k !== 'list') e[k] = v;
      else e.setAttribute(k, v);
    }
    e.append(...kids.filter(k => k || k === 0));
    return e;
  }
  const now = () => Date.now() + skew;
  const two = n => String(n).padStart(2, '0');
  const span = s => (s >= 3600 ? Math.floor(s / 3600) + ':' + two(Math.floor(s % 3600 / 60)) : two(Math.floor(s / 60))) + ':' + two(Math.floor(s % 60));
  const clock = at => { const d = new Date(at); return isNaN(d) || d.getFullYear() < 2000 ? '' : two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds()); };
  const chip = m => L['state_' + m.state] || m.state; // with a dot drawn by CSS: not every system has emoji
  const counted = m => m.since ? (m.context || '').replace(/\d{1,3}:\d\d(:\d\d)?/, span(Math.max(0, (now() - Date.parse(m.since)) / 1000))) : m.context || '';

  // --- parts of a card

  function diff(text) {
    const pre = el('pre', { class: 'diff', tabIndex: 0 });
    for (const l of text.replace(/\n$/, '').split('\n')) {
      const kind = /^(\+\+\+|---|@@|diff )/.test(l) ? 'hunk' : l[0] === '+' ? 'add' : l[0] === '-' ? 'del' : '';
      pre.append(el('span', { class: kind }, l + '\n'));
    }
    return pre;
  }

  function table(b) {
    const marked = (b.marks || []).some(x => x);
    const row = (cells, tag, mark) => el('tr', { class: mark ? 'm-' + mark : '' },
      marked ? el(tag, { class: 'mark' }, mark ? L['mark_' + mark] || mark : '') : '', ...cells.map(c => el(tag, {}, c)));
    return el('div', { class: 'scroll', tabIndex: 0 }, el('table', {},
      b.columns && b.columns.length ? el('thead', {}, row(b.columns, 'th')) : '',
      el('tbody', {}, ...(b.rows || []).map((r, i) => row(r, 'td', (b.marks || [])[i])))));
  }

  function block(c, b, i) {
    const lines = b.text ? b.text.replace(/\n$/, '').split('\n').length : (b.rows || []).length;
    const parts = [];
    if (b.text) parts.push(b.kind === 'diff' ? diff(b.text) : el('pre', { class: b.kind, tabIndex: 0 }, b.text.replace(/\n$/, '')));
    if ((b.rows && b.rows.length) || (b.columns && b.columns.length)) parts.push(table(b));
    if (b.more) parts.push(el('p', { class: 'more' }, t('rows_more', b.more)));
    const name = L['kind_' + b.kind] || b.kind, many = lines > 3 ? t('lines_count', lines) : '';
    return fold(c, 'b' + i + b.kind + (b.label || ''), (c.own || open.has(c.m.state) && c.m.state !== 'running') && !b.fold,
      [el('span', { class: 'kind' }, name), b.label ? el('span', { class: 'label' }, b.label) : '', many ? el('span', { class: 'count' }, many) : ''], parts);
  }

  function fold(c, id, isOpen, head, parts) {
    const d = el('details', { open: c.folds.has(id) ? c.folds.get(id) : isOpen }, el('summary', {}, ...head), ...parts);
    d.firstChild.addEventListener('click', () => c.folds.set(id, !d.open));
    d.firstChild.dataset.id = id;
    return d;
  }

  function field(c, f, i) {
    const id = 'f' + c.order + '-' + i, draft = c.drafts.has(f.name) ? c.drafts.get(f.name) : f.value || '';
    const keep = e => c.drafts.set(f.name, f.type === 'bool' ? String(e.target.checked) : e.target.value);
    const shared = { id, oninput: keep, 'data-id': id, required: f.required };
    if (f.type === 'bool') {
      return el('label', { class: 'check', htmlFor: id }, el('input', { ...shared, required: false, type: 'checkbox', checked: draft === 'true' }), el('span', {}, f.label || f.name));
    }
    let input;
    if (f.type === 'enum' || (f.enum && f.enum.length)) {
      input = el('select', shared, draft && f.enum.includes(draft) ? '' : el('option', { value: '' }, '—'), ...f.enum.map(v => el('option', { value: v, selected: v === draft }, v)));
    } else if (f.type === 'text') {
      input = el('textarea', { ...shared, rows: 5, spellcheck: false, value: draft });
    } else {
      input = el('input', { ...shared, type: 'text', inputMode: f.type === 'port' ? 'numeric' : f.type === 'address' ? 'url' : 'text', value: draft, autocapitalize: 'off', spellcheck: false, autocomplete: 'off',
        onkeydown: e => { if (e.key === 'Enter' && !e.isComposing) { e.preventDefault(); const b = c.el.querySelector('.actions button'); if (b) b.focus(); } } });
    }
    return el('div', { class: 'field' }, el('label', { htmlFor: id }, f.label || f.name, f.required ? el('span', { class: 'must' }, ' *') : ''), input);
  }

  function fields(c) {
    const out = {};
    for (const f of c.m.form || []) out[f.name] = c.drafts.has(f.name) ? c.drafts.get(f.name) : f.value || (f.type === 'bool' ? 'false' : '');
    return out;
  }

  // What was approved is what runs: an approval must not look as if it took along what was typed into the form.
  const dirty = c => (c.m.form || []).some(f => c.drafts.has(f.name) && c.drafts.get(f.name) !== (f.value || (f.type === 'bool' ? 'false' : '')));

  function actions(c) {
    const m = c.m, buttons = m.buttons || [], form = buttons.find(b => b.with_form);
    if (!buttons.length) return '';
    const press = b => () => {
      if (c.busy) return;
      const missing = b.with_form && (m.form || []).find(f => f.required && f.type !== 'bool' && !fields(c)[f.name].trim());
      if (missing) {
        c.note = { text: t('field_needed', '', missing.label || missing.name), refused: true };
        draw(c);
        const i = m.form.indexOf(missing); $('f' + c.order + '-' + i).focus();
      } else if (form && b.choice === 'approve' && !b.with_form && dirty(c)) {
        c.note = { text: t('form_first', '', form.label), refused: true }; draw(c); seen(c);
      } else if (b.confirm || b.needs_reason) {
        c.ask = b.action; c.note = null; draw(c);
        const first = c.el.querySelector('.ask textarea, .ask button'); first.focus(); first.scrollIntoView({ block: 'nearest' });
      } else send(c, b, '');
    };
    const row = el('div', { class: 'actions' }, ...buttons.map((b, i) => el('button', { type: 'button', class: b.style || '', disabled: c.busy, 'data-id': 'p' + b.choice + i, 'aria-expanded': c.ask === b.action ? 'true' : undefined, onclick: press(b) }, b.label)));
    const asked = buttons.find(b => b.action === c.ask);
    const typed = []; // what people may type, by member and code
    for (const b of buttons) {
      const who = b.for || '', code = b.code || m.code;
      if (!b.choice || !code) continue;
      const a = typed.find(a => a.who === who && a.code === code);
      if (!a) typed.push({ who, code, words: [b.choice] });
      else if (!a.words.includes(b.choice)) a.words.push(b.choice);
    }
    const answers = typed.map(a => (a.who ? a.who + ': ' : '') + a.words.join(' | ') + ' ' + a.code).join(' · ');
    return el('div', {}, row, asked ? ask(c, asked) : '', answers ? el('p', { class: 'code' }, t('or_type') + ' ', el('code', {}, answers)) : '');
  }

  function ask(c, b) {
    const area = b.needs_reason ? el('textarea', { rows: 2, 'data-id': 'reason', id: 'r' + c.order, value: c.reason || '', oninput: e => { c.reason = e.target.value; } }) : '';
    const yes = () => {
      if (b.needs_reason && !(c.reason || '').trim()) { c.note = { text: t('reason_needed'), refused: true }; draw(c); c.el.querySelector('.ask textarea').focus(); seen(c); return; }
      send(c, b, c.reason || '');
    };
    return el('div', { class: 'ask', role: 'group' }, b.confirm ? el('p', {}, b.confirm) : '',
      area ? el('label', { htmlFor: 'r' + c.order }, t('reason')) : '', area,
      el('div', { class: 'row' }, el('button', { type: 'button', class: b.style === 'primary' ? 'primary' : 'danger', disabled: c.busy, 'data-id': 'yes', onclick: yes }, t('confirm_yes', '', b.label)),
        el('button', { type: 'button', disabled: c.busy, 'data-id': 'no', onclick: () => { c.ask = c.note = null; draw(c); } }, t('cancel'))));
  }

  function draw(c) {
    const m = c.m, focus = c.el.contains(document.activeElement) && document.activeElement.dataset.id;
    const caret = focus && document.activeElement.selectionStart;
    const live = open.has(m.state);
    c.el.className = 'card s-' + m.state + (live ? ' open' : '') + (c.el.classList.contains('now') ? ' now' : '');
    c.el.setAttribute('aria-labelledby', 'h' + c.order);
    const bar = m.progress && el('div', { class: 'progress' });
    c.el.replaceChildren(...[
      el('div', { class: 'head' }, el('span', { class: 'chip' }, chip(m)), el('time', {}, clock(m.at))),
      el('h2', { id: 'h' + c.order }, m.title),
      live && m.context ? el('p', { class: 'context' }, counted(m)) : '',
      ...(m.warn || []).map(w => el('p', { class: 'warn' }, el('span', { ariaHidden: 'true' }, '⚠ '), w)),
      ...(m.lines || []).map(l => el('p', {}, l)),
      ...(m.blocks || []).map((b, i) => block(c, b, i)),
      bar || '',
      (m.form || []).length && (m.buttons || []).length ? el('div', { class: 'form' }, ...m.form.map((f, i) => field(c, f, i))) : '',
      m.until || m.until_text ? el('p', { class: 'until' }, m.until_text ? m.until_text + ' · ' : '', el('b', {})) : '',
      actions(c),
      c.busy ? el('p', { class: 'note' }, t('sending')) : c.note ? note(c.note) : '',
      m.footer ? el('p', { class: 'foot' }, m.footer) : '',
      m.output ? fold(c, 'output', m.state === 'running' || m.state === 'failed', [el('span', { class: 'kind' }, t('output'))], [el('pre', { class: 'out', tabIndex: 0 }, m.output)]) : '',
    ].filter(x => x));
    tickProgress(c);
    tick(c);
    const out = c.el.querySelector('.out');
    if (out) out.scrollTop = out.scrollHeight;
    const again = focus && c.el.querySelector('[data-id="' + CSS.escape(focus) + '"]');
    if (again) {
      again.focus({ preventScroll: true });
      if (caret !== undefined && caret !== null && again.setSelectionRange && again.type !== 'checkbox') try { again.setSelectionRange(caret, caret); } catch { /* a select has no caret */ }
    }
  }

  const note = n => el('p', { class: 'note' + (n.refused ? ' refused' : ''), role: n.refused ? 'alert' : 'status' }, el('b', {}, t('only_you') + ' '), n.text);

  function tickProgress(c) {
    const box = c.el.querySelector('.progress'), p = c.m.progress;
    if (!box || !p) return;
    const total = p.Total || p.total || 0, done = p.Done || p.done || 0, text = p.Text || p.text || '';
    box.replaceChildren(total > 0 ? el('progress', { max: total, value: Math.min(done, total), ariaLabel: c.m.title }) : el('progress', { ariaLabel: c.m.title }),
      el('p', {}, total > 0 ? el('b', {}, Math.floor(Math.min(done, total) / total * 100) + '% ') : '', text));
  }

  function tick(c) {
    const left = c.el.querySelector('.until b'), context = c.m.since && c.el.querySelector('.context');
    if (left && c.m.until) {
      const s = (Date.parse(c.m.until) - now()) / 1000;
      left.textContent = s > 0 ? t('time_left', span(s)) : t('time_over');
      left.className = s < 60 ? 'soon' : '';
    }
    if (context) context.textContent = counted(c.m);
  }

  // --- answers

  async function post(path, data) {
    const r = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify({ ...data, id: Math.random().toString(36).slice(2) + Date.now().toString(36) }) });
    const j = await r.json();
    if (r.status === 401) { setTimeout(() => location.reload(), 1500); }
    return j.error ? { text: j.error.message, refused: true } : j;
  }

  const seen = c => { const n = c.el.querySelector('.note'); if (n) n.scrollIntoView({ block: 'nearest' }); };

  async function send(c, b, reason) {
    const version = c.m.version;
    c.busy = true; c.note = null; draw(c);
    let r;
    try {
      r = await post('/console/press', { action: b.action, reason, fields: b.with_form ? fields(c) : undefined });
    } catch { r = { text: t('not_sent'), refused: true }; }
    c.busy = false;
    if (!r.refused) { c.ask = null; c.reason = ''; answered = Date.now(); if (document.activeElement && c.el.contains(document.activeElement)) document.activeElement.blur(); }
    c.note = r.text && (r.refused || c.m.version === version || !open.has(c.m.state)) ? r : null;
    draw(c);
    seen(c);
    if (r.text) say(r.text);
    if (r.message) bubbleCard(r.message);
  }

  function bubble(cls, ...kids) {
    const e = el('div', { class: 'bubble ' + cls }, ...kids);
    log.append(e); $('quiet').hidden = true; e.scrollIntoView({ block: 'end' });
    return e;
  }

  function bubbleCard(m) {
    const c = make(m, 1e12 + cards.size);
    c.own = true;
    mine.push(c);
    c.el.classList.add('own');
    log.append(c.el); draw(c); c.el.prepend(el('p', { class: 'note' }, el('b', {}, t('only_you'))));
    c.el.scrollIntoView({ block: 'end' });
  }

  const history = JSON.parse(sessionStorage.getItem('history') || '[]');
  let at = history.length;
  async function command(text) {
    text = text.trim();
    if (!text) return;
    if (history[history.length - 1] !== text) history.push(text);
    at = history.length;
    sessionStorage.setItem('history', JSON.stringify(history.slice(-50)));
    line.value = '';
    bubble('mine', text);
    let r;
    try { r = await post('/console/say', { text }); } catch { r = { text: t('not_sent'), refused: true }; line.value = text; }
    if (r.text) { bubble(r.refused ? 'answer refused' : 'answer', el('span', { class: 'who' }, r.refused ? t('refused') + ' · ' + t('only_you') : t('only_you')), el('pre', {}, r.text)); say(r.text); }
    if (r.message) bubbleCard(r.message);
  }
  $('say').addEventListener('submit', e => { e.preventDefault(); command(line.value); });
  for (const b of document.querySelectorAll('[data-say]')) b.addEventListener('click', () => command(b.dataset.say));
  line.addEventListener('keydown', e => {
    if (e.isComposing || (e.key !== 'ArrowUp' && e.key !== 'ArrowDown')) return;
    e.preventDefault();
    at = Math.max(0, Math.min(history.length, at + (e.key === 'ArrowUp' ? -1 : 1)));
    line.value = history[at] || '';
  });

  // --- cards in their order

  function make(m, order) {
    return { el: el('article', { class: 'card', id: 'c-' + m.key, tabIndex: -1 }), m, order, drafts: new Map(), folds: new Map() };
  }

  function show(order, m) {
    const stick = atEnd();
    let c = cards.get(m.key);
    if (!c) {
      c = make(m, order);
      cards.set(m.key, c);
      let after = null;
      for (const o of cards.values()) if (o !== c && o.order > order && (!after || o.order < after.order)) after = o;
      log.insertBefore(c.el, after ? after.el : null);
      $('quiet').hidden = true;
    }
    if (c.order !== order) { c.order = order; c.sig = ''; }
    const was = c.m, first = c.sig === undefined;
    const sig = JSON.stringify({ ...m, progress: m.progress ? 1 : 0, version: 0, at: 0, priority: 0 });
    c.m = m;
    if (was.code !== m.code || was.state !== m.state) { c.ask = null; c.note = c.busy ? c.note : null; if (was.state !== m.state) c.folds.clear(); }
    if (!open.has(m.state)) c.drafts.clear();
    if (sig === c.sig) tickProgress(c); else { c.sig = sig; draw(c); }
    if (loaded && (first || was.state !== m.state) && m.priority < 2) say((L['state_' + m.state] || m.state) + ': ' + m.title);
    const next = asks(m) && (first || was.state !== m.state) && Date.now() - answered < 60000; // the question after one's own answer
    if (stick || next) end(); else if (loaded && first) down.hidden = false;
    for (const o of mine) if (o.m.key === m.key && o.m.version !== m.version && (o.m.buttons || []).length) { o.m = { ...o.m, buttons: [], form: [], code: '' }; draw(o); }
    summary();
  }

  // After a restart of the bot the cards are numbered anew.
  function reorder() {
    const sorted = [...cards.values()].sort((a, b) => a.order - b.order);
    const shown = sorted.map(c => c.el), there = [...log.querySelectorAll('.card:not(.own)')];
    if (shown.some((e, i) => e !== there[i])) log.append(...shown);
  }

  const asks = m => urgent.has(m.state) && (m.buttons || []).length > 0;
  const newest = which => [...cards.values()].filter(which).sort((a, b) => b.order - a.order)[0];
  // What counts now: the newest question, else the step that runs; a run's own card only where there is nothing else.
  const current = () => newest(c => asks(c.m)) || newest(c => c.m.state === 'running' && !c.m.key.startsWith('run/')) || newest(c => c.m.state === 'running');

  function summary() {
    const c = current() || newest(() => true);
    for (const x of cards.values()) x.el.classList.toggle('now', x === c);
    const shown = c && c.m;
    status.className = shown ? 's-' + shown.state : 's-info';
    status.hidden = !shown;
    if (!shown) return;
    const [word, title, counts] = status.children;
    const head = JSON.stringify([shown.state, shown.emoji, shown.title]);
    if (status.dataset.head !== head) { status.dataset.head = head; word.textContent = chip(shown); title.textContent = shown.title; }
    const text = counted(shown);
    if (counts.textContent !== text) counts.textContent = text;
    const calls = [...cards.values()].filter(x => asks(x.m)).length;
    document.title = (calls ? '(' + calls + ') ' : '') + (shown.emoji ? shown.emoji + ' ' : '') + shown.title + ' · recoverbot';
  }

  const go = (c, what) => { c.el.scrollIntoView({ block: 'start' }); (what && c.el.querySelector(what) || c.el).focus({ preventScroll: true }); };
  status.addEventListener('click', () => { const c = current(); if (c) go(c); else end(); });

  const say = text => { live.textContent = ''; setTimeout(() => { live.textContent = text; }, 50); };
  const page = document.scrollingElement;
  const atEnd = () => page.scrollHeight - page.scrollTop - innerHeight < 120;
  // A card that asks is shown from its top, so that what will happen is read before the buttons.
  const end = () => {
    const c = current(), last = !c || c.el === log.lastElementChild;
    if (c && (!last || c.el.offsetHeight > innerHeight * 0.6) && !c.el.contains(document.activeElement)) c.el.scrollIntoView({ block: 'start' });
    else page.scrollTop = page.scrollHeight;
    down.hidden = true;
  };
  down.addEventListener('click', end);
  addEventListener('scroll', () => { if (atEnd()) down.hidden = true; }, { passive: true });

  // --- keys

  addEventListener('keydown', e => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName) && document.activeElement.type !== 'checkbox';
    if (e.key === 'Escape') {
      const c = [...cards.values()].find(x => x.ask);
      if (c) { c.ask = c.note = null; draw(c); go(c, '.actions button'); } else document.activeElement.blur();
      return;
    }
    if (typing || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.key === '/') { e.preventDefault(); line.focus(); }
    if (e.key === 'a') { const c = current(); if (c) { e.preventDefault(); go(c, '.actions button.primary, .actions button'); } }
    if (e.key === 'j' || e.key === 'k') {
      const all = [...log.querySelectorAll('.card')], i = all.indexOf(document.activeElement.closest('.card'));
      const next = all[i < 0 ? all.length - 1 : i + (e.key === 'j' ? 1 : -1)];
      if (next) { e.preventDefault(); next.focus({ preventScroll: true }); next.scrollIntoView({ block: 'start' }); }
    }
  });

  const root = document.documentElement;
  $('theme').addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    document.cookie = 'theme=' + root.dataset.theme + ';path=/;max-age=31536000;samesite=lax';
  });

  // --- the stream

  let stream, retry;
  function connect() {
    clearTimeout(retry);
    if (stream) stream.close();
    const s = stream = new EventSource('/console/events');
    heard = Date.now();
    const on = (name, f) => s.addEventListener(name, e => { heard = Date.now(); f(JSON.parse(e.data)); });
    on('hello', d => {
      skew = Date.parse(d.now) - Date.now();
      lost.hidden = true; body.classList.remove('cut');
    });
    on('card', d => show(d.order, d.message));
    on('sync', () => {
      reorder();
      if (!loaded) { loaded = true; end(); }
    });
    on('beat', d => { skew = Date.parse(d.now) - Date.now(); });
    s.onerror = () => {
      if (s !== stream) return;
      lost.textContent = t('lost'); lost.hidden = false; body.classList.add('cut');
      s.close();
      retry = setTimeout(async () => {
        try { // a page whose log-in has ended must say so instead of trying for ever
          const r = await fetch('/console/events', { method: 'HEAD' });
          if (r.status === 401) { location.reload(); return; }
        } catch { /* still away */ }
        connect();
      }, 1500);
    };
  }
  setInterval(() => {
    for (const c of cards.values()) tick(c);
    summary();
    if (Date.now() - heard > 40000) { heard = Date.now(); stream.onerror(); }
  }, 1000);
  summary();
  connect();
})();
