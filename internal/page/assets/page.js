// The script of all pages. Everything works without it but Live and what refreshes by itself.
"use strict";

// The server shows times in the zone that this cookie names.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || document.cookie.includes("millrace_zone=" + zone)) return;
  document.cookie = "millrace_zone=" + zone + "; Path=/ui/; Max-Age=31536000; SameSite=Strict";
  const kept = document.cookie.includes("millrace_zone=" + zone);
  if (kept && zone !== "UTC" && !document.querySelector("form[method=post]")) location.reload();
})();

// "/" goes to the query, as in most places where one searches.
document.addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
  const field = document.getElementById("q") || document.querySelector("[data-focus]");
  if (!field) return;
  e.preventDefault();
  field.focus();
  field.select();
});

// Parts with data-poll are fetched again every data-every seconds: not while nobody looks, while something in them is open or selected,
// or while the last answer is awaited. The focus stays where it was.
for (const part of document.querySelectorAll("[data-poll]")) {
  let busy = false;
  const path = (el) => {
    const steps = [];
    for (; el && el !== part; el = el.parentElement) steps.unshift([...el.parentElement.children].indexOf(el));
    return steps;
  };
  setInterval(async () => {
    const chosen = getSelection();
    if (busy || document.hidden || part.querySelector("details.hit[open], .brush")) return;
    if (chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode)) return;
    busy = true;
    try {
      const answer = await fetch(part.dataset.poll, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(15000) });
      const text = await answer.text();
      const active = document.activeElement;
      const steps = active && part.contains(active) && active !== part ? path(active) : null;
      const closed = [...part.querySelectorAll("details")].map((d) => d.open);
      part.innerHTML = text; // the server escaped what it holds, and the policy runs no script in it
      part.querySelectorAll("details").forEach((d, i) => { if (i < closed.length) d.open = closed[i]; });
      if (steps) steps.reduce((el, i) => el && el.children[i], part)?.focus({ preventScroll: true });
      part.classList.remove("stale");
    } catch {
      part.classList.add("stale");
    } finally {
      busy = false;
    }
  }, part.dataset.every * 1000);
}

// Search: the fields for an absolute range, and a search at once when a choice changes.
(() => {
  const range = document.getElementById("range");
  if (!range) return;
  const absolute = document.querySelector(".absolute");
  range.addEventListener("change", () => {
    const on = range.value === "absolute";
    absolute.hidden = !on;
    for (const input of absolute.querySelectorAll("input")) input.disabled = !on;
    if (!on) range.form.requestSubmit();
    else absolute.querySelector("input").focus();
  });
  for (const id of ["target", "refresh"]) {
    document.getElementById(id)?.addEventListener("change", () => range.form.requestSubmit());
  }
  if (matchMedia("(max-width: 980px)").matches) document.querySelector(".fields")?.removeAttribute("open");
})();

// Search: dragging over the histogram narrows the range of time.
document.addEventListener("pointerdown", (down) => {
  const svg = down.target.closest?.(".histogram");
  if (!svg || down.button !== 0 || down.pointerType === "touch") return;
  const box = svg.getBoundingClientRect();
  const at = (e) => Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
  const start = at(down);
  let brush = null;
  const move = (e) => {
    const now = at(e);
    if (!brush) {
      if (Math.abs(now - start) * box.width < 6) return;
      brush = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      brush.setAttribute("class", "brush");
      brush.setAttribute("y", "0");
      brush.setAttribute("height", "92");
      svg.append(brush);
    }
    brush.setAttribute("x", Math.min(start, now) * 1000);
    brush.setAttribute("width", Math.abs(now - start) * 1000);
  };
  const up = (e) => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    if (!brush) return;
    const end = at(e), from = +svg.dataset.from, length = +svg.dataset.to - from;
    const url = new URL(location.href);
    for (const name of ["after", "page", "refresh", "fragment"]) url.searchParams.delete(name);
    url.searchParams.set("range", "absolute");
    url.searchParams.set("from", Math.floor(from + Math.min(start, end) * length));
    url.searchParams.set("to", Math.ceil(from + Math.max(start, end) * length));
    addEventListener("click", (c) => c.preventDefault(), { capture: true, once: true });
    location.assign(url);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", up);
});
document.addEventListener("dragstart", (e) => { if (e.target.closest?.(".histogram")) e.preventDefault(); });

// Search: an opened hit offers to search for a value, to leave it out, and to show the field as a column.
document.addEventListener("toggle", (e) => {
  const hit = e.target;
  if (!hit.matches?.("#results details.hit") || !hit.open || hit.dataset.ready) return;
  hit.dataset.ready = "1";
  for (const row of hit.querySelectorAll("tr")) {
    const name = row.cells[0].textContent, cell = row.cells[1], value = cell.textContent;
    const acts = document.createElement("span");
    acts.className = "act";
    const add = (label, title, change) => {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = label;
      b.title = title;
      b.setAttribute("aria-label", title + ": " + name);
      b.addEventListener("click", () => {
        const url = new URL(location.href);
        url.searchParams.delete("after");
        url.searchParams.delete("page");
        change(url.searchParams);
        location.assign(url);
      });
      acts.append(b);
    };
    const term = name.replace(/[+\-=&|!(){}[\]^"~*?:\\/ ]/g, "\\$&") + ":" +
      (cell.classList.contains("number") ? value.replace(/-/g, "\\-") : '"' + value.replace(/[\\"]/g, "\\$&") + '"');
    const narrow = (p, t) => {
      const q = p.get("q") || "";
      p.set("q", !q ? t : (/ OR |\|\|| /.test(q) && !/ AND /.test(q) ? "(" + q + ")" : q) + " AND " + t);
    };
    if (!cell.dataset.cut && value.length < 500 && !/list|object|null/.test(cell.className)) {
      add("+", "Search for this value", (p) => narrow(p, term));
      add("−", "Leave this value out", (p) => narrow(p, "NOT " + term));
    }
    add("▥", "Show as a column", (p) => {
      const cols = (p.get("cols") || "").split(",").filter(Boolean);
      if (!cols.includes(name)) cols.push(name);
      p.set("cols", cols.join(","));
    });
    cell.prepend(acts);
  }
}, true);

// Live: the events of one point, as they pass.
(() => {
  const form = document.getElementById("live");
  if (!form) return;
  const most = 500, perTurn = 200;
  const tail = document.getElementById("tail"), state = document.getElementById("state"), dot = document.getElementById("dot");
  const seenText = document.getElementById("seen"), lostText = document.getElementById("lost"), pause = document.getElementById("pause");
  let source = null, waiting = [], scheduled = false, seen = 0, paused = false;

  // visible does what the server does with characters that hide or turn around others.
  const visible = (s) => s.replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\u007f/g, "␡")
    .replace(/[\u0080-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
      (c) => "⟨U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
  const clip = (s, n) => (s.length > n ? s.slice(0, n) + "…" : s);
  const say = (text, on) => { state.textContent = text; dot.className = "dot " + (on === undefined ? "" : on ? "on" : "off"); };

  const flatten = (out, prefix, v, depth) => {
    if (v && typeof v === "object" && !Array.isArray(v) && depth < 6) {
      for (const k of Object.keys(v)) flatten(out, prefix ? prefix + "." + k : k, v[k], depth + 1);
    } else if (out.length < 60) {
      out.push([prefix, typeof v === "string" ? v : JSON.stringify(v)]);
    }
    return out;
  };
  const element = (name, cls, text) => {
    const el = document.createElement(name);
    if (cls) el.className = cls;
    if (text !== undefined) el.textContent = text;
    return el;
  };
  const row = (message) => {
    const event = message.event, at = new Date(event && event["@timestamp"] || message.time);
    const hit = element("details", "hit"), head = element("summary"), doc = element("span", "doc");
    const pad = (n, w) => String(n).padStart(w, "0");
    head.append(element("time", "", isNaN(at) ? "–" : pad(at.getHours(), 2) + ":" + pad(at.getMinutes(), 2) + ":" + pad(at.getSeconds(), 2) + "." + pad(at.getMilliseconds(), 3)));
    if (event && typeof event === "object") {
      const fields = flatten([], "", event, 0).filter(([k]) => k !== "@timestamp" && k !== "@version" && k !== "event.original");
      fields.sort((a, b) => (b[0] === "message") - (a[0] === "message"));
      let room = 700;
      for (const [k, v] of fields) {
        if (room <= 0) break;
        const text = clip(visible(v.replace(/\s+/g, " ")), Math.min(300, room));
        doc.append(element("b", "", visible(clip(k, 100))), " " + text + " ");
        room -= text.length + k.length;
      }
    } else {
      doc.textContent = clip(visible(String(message.text)), 700);
    }
    head.append(doc);
    hit.append(head);
    hit.addEventListener("toggle", () => {
      if (hit.open && hit.children.length === 1) hit.append(element("pre", "", clip(visible(event ? JSON.stringify(event, null, 2) : String(message.text) + "… (" + message.size + " bytes in all)"), 65536)));
    });
    return hit;
  };
  const draw = () => {
    scheduled = false;
    const some = waiting.splice(0, waiting.length).slice(-perTurn);
    const fresh = document.createDocumentFragment();
    for (const m of some.reverse()) fresh.append(row(m));
    tail.prepend(fresh);
    while (tail.children.length > most) tail.lastElementChild.remove();
    seenText.textContent = seen.toLocaleString("en");
  };
  const take = (message) => {
    seen++;
    waiting.push(message);
    if (waiting.length > most) waiting.shift();
    if (!scheduled) {
      scheduled = true;
      setTimeout(draw, 100);
    }
  };
  const address = () => {
    const p = parameters(new URLSearchParams());
    return form.dataset.tap + "?" + p;
  };
  const parameters = (p) => {
    for (const name of ["at", "if", "sample"]) {
      const v = form.elements[name].value;
      if (v && !(name === "sample" && v === "1")) p.set(name, v); else p.delete(name);
    }
    const pipeline = form.elements.at.selectedOptions[0]?.dataset.pipeline;
    if (pipeline) p.set("pipeline", pipeline); else p.delete("pipeline");
    return p;
  };
  const follow = async () => {
    source?.close();
    const url = address();
    say("connecting");
    const s = source = new EventSource(url);
    s.onopen = () => say("following " + (form.elements.at.selectedOptions[0]?.textContent || ""), true);
    s.onmessage = (m) => take(JSON.parse(m.data));
    s.addEventListener("dropped", (m) => {
      lostText.textContent = ", " + JSON.parse(m.data).total.toLocaleString("en") + " passed unseen (the tail is limited)";
    });
    s.addEventListener("end", () => say("the pipeline has ended; waiting for the next", false));
    s.onerror = async () => {
      if (s !== source) return;
      if (s.readyState === EventSource.CLOSED) {
        // A refusal is not told to an EventSource: its reason is asked for.
        let why = "the connection was refused";
        try {
          const stop = new AbortController();
          const answer = await fetch(url, { signal: stop.signal });
          if (!answer.ok) {
            const text = await answer.text();
            why = text;
            try { const o = JSON.parse(text); why = o.error?.message || o.error || text; } catch { /* plain text */ }
          } else why = "the pipeline ended";
          stop.abort();
        } catch { /* the server is gone */ }
        say(clip(visible(String(why)), 500), false);
      } else say("the connection was lost; trying again", false);
    };
  };
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Continue" : "Pause";
    pause.setAttribute("aria-pressed", paused);
    if (paused) { source?.close(); say("paused"); } else follow();
  });
  document.getElementById("clear").addEventListener("click", () => { tail.replaceChildren(); waiting = []; seen = 0; seenText.textContent = "0"; });
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const url = new URL(location.href);
    parameters(url.searchParams);
    history.replaceState(null, "", url);
    if (paused) pause.click(); else follow();
  });
  for (const name of ["at", "sample"]) form.elements[name].addEventListener("change", () => form.requestSubmit());
  addEventListener("pagehide", () => source?.close());

  if (form.elements.sample.dataset.value) form.elements.sample.value = form.elements.sample.dataset.value;
  if (!form.elements.sample.value) form.elements.sample.value = "1";
  fetch(form.dataset.tap + "/points").then((r) => r.json()).then((points) => {
    const at = form.elements.at, several = new Set(points.map((p) => p.pipeline)).size > 1;
    if (!points.length) return;
    at.replaceChildren();
    for (const p of points) {
      const o = element("option", "", label(p, several));
      o.value = p.id;
      o.dataset.pipeline = several ? p.pipeline : "";
      o.title = p.conditions.join(" · ");
      at.append(o);
    }
    const options = [...at.options];
    const chosen = options.find((o) => o.value === at.dataset.value && (!at.dataset.pipeline || o.dataset.pipeline === at.dataset.pipeline));
    (chosen || options.find((o) => o.value === "output") || options[options.length - 1]).selected = true;
  }).catch(() => {}).finally(follow);

  function label(p, several) {
    const before = several ? p.pipeline + ": " : "";
    const where = p.kind === "output" ? "before " : "after ";
    if (!p.plugin) return before + where + "all " + p.kind + "s";
    return clip(before + where + p.kind + " " + p.plugin + " (" + p.file.split("/").pop() + ":" + p.line + ")", 80);
  }
})();
