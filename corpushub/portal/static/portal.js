/* The one script of the portal. Screens are HTML from the server; this moves between them, sends forms, searches as one types.
   `portal.attach` is called by the Gradio component with its `server`; until then acts wait in a queue. */
(function () {
  "use strict";
  var server = null, waiting = [], shown = location.href, live = 0, held = null, composing = false, timer = 0;

  function ready(work) { if (server) { work(); } else { waiting.push(work); } }
  function screen() { return document.getElementById("screen"); }
  function busy(on) { document.getElementById("progress-line").classList.toggle("on", on); }

  function attach(element, given) {
    var slot = element.querySelector(".screen-slot"), first = document.getElementById("first");
    if (slot && first && !slot.firstChild) { move(first, slot); first.remove(); }
    server = given;
    document.documentElement.dataset.ready = "1";
    begin();
    waiting.splice(0).forEach(function (work) { work(); });
  }

  /* A sheet that is moved leaves the top layer and loses the focus: it is opened again, the cursor where it stood. */
  function move(from, to) {
    var sheet = from.querySelector("dialog[open]"), box = document.activeElement, start = box && box.selectionStart, end = box && box.selectionEnd;
    while (from.firstChild) { to.appendChild(from.firstChild); }
    if (!sheet) { return; }
    sheet.removeAttribute("open");
    sheet.showModal();
    if (!sheet.contains(box)) { return; }
    box.focus();
    if (typeof start === "number") { box.setSelectionRange(start, end); }
  }

  /* While a person fills in a sheet the screen below it stays; what came meanwhile is put there when the sheet closes. */
  function settled(work) { if (document.querySelector("dialog[open]")) { held = work; } else { work(); } }
  document.addEventListener("close", function () { document.body.appendChild(document.getElementById("notices")); var work = held; held = null; if (work) { settled(work); } }, true);

  function notice(html, tone, plain) {
    var box = document.createElement("div");
    box.className = "notice " + (tone || "");
    if (plain) { box.textContent = html; } else { box.innerHTML = html; }
    var notices = document.getElementById("notices"); // above the sheet that is open, not behind it
    (document.querySelector("dialog[open]") || document.body).appendChild(notices).appendChild(box);
    if (tone === "bad") { box.appendChild(closing(box)); } // a refusal stays until it was read, or something else is done
    else if (tone !== "wait") { setTimeout(function () { box.remove(); }, 4500); }
    return box;
  }

  function closing(box) {
    var way = document.createElement("button");
    way.type = "button";
    way.className = "icon-btn";
    way.textContent = "×";
    way.setAttribute("aria-label", said_here("close"));
    way.addEventListener("click", function () { box.remove(); });
    return way;
  }

  /* A refusal stands in the sheet it is about until that is sent again or closed; of a screen it stands in the corner. */
  function refused(html, from) {
    var sheet = from && from.closest("dialog[open]"), box = document.createElement("div");
    if (!sheet) { notice(html, "bad"); return; }
    box.className = "told";
    box.innerHTML = html;
    sheet.querySelector(".sheet-foot").before(box);
    box.scrollIntoView({ block: "nearest" });
  }
  function forget() { document.querySelectorAll(".told, .notice.bad").forEach(function (box) { box.remove(); }); }

  function area(url) { return new URL(url, location.href).pathname.split("/").slice(0, 3).join("/"); }
  function said_here(name) { return document.getElementById("notices").dataset[name]; }
  function lost() { notice(said_here("lost"), "bad", true); }

  /* Show the screen of an address. `keep`: only parts named data-part are exchanged, so that a focused box keeps its place. */
  function show(url, keep, push) {
    var turn = ++live;
    if (area(url) !== area(location.href)) { location.href = url; return; }
    ready(function () {
      busy(true);
      server.portal_show({ url: url }).then(function (got) {
        settled(function () {
          if (turn !== live) { return; }
          if (push) { history[keep ? "replaceState" : "pushState"]({}, "", url); }
          shown = url;
          put(got, keep);
        });
      }).catch(lost).finally(function () { busy(false); });
    });
  }

  function put(got, keep) {
    if (!keep) { forget(); }
    var main = screen(), host = document.createElement("div");
    host.innerHTML = got.html;
    var badge = document.querySelector(".bell .badge");
    if (badge && got.unseen !== undefined) { badge.textContent = got.unseen > 99 ? "99+" : got.unseen; badge.hidden = !got.unseen; }
    if (!keep) { document.title = got.title + " · " + document.title.split(" · ").pop(); }
    if (keep) {
      main.querySelectorAll("[data-part]").forEach(function (old) {
        var fresh = host.querySelector('[data-part="' + old.dataset.part + '"]');
        if (fresh && !old.contains(document.activeElement) && !old.querySelector("dialog[open]")) { old.replaceWith(fresh); }
      });
      return;
    }
    main.className = got.wide ? "wide" : "";
    main.replaceChildren.apply(main, Array.from(host.childNodes));
    document.querySelectorAll(".places a").forEach(function (link) {
      var here = link.dataset.place === got.place;
      link.classList.toggle("current", here);
      if (here) { link.setAttribute("aria-current", "page"); } else { link.removeAttribute("aria-current"); }
    });
    window.scrollTo(0, 0);
    var wanted = main.querySelector("[autofocus]");
    if (wanted) { wanted.focus(); }
    begin();
  }

  function fields(form) {
    var out = {};
    new FormData(form).forEach(function (value, name) {
      if (value instanceof File) { return; }
      if (name in out) { out[name] = [].concat(out[name], value); } else { out[name] = value; }
    });
    return out;
  }

  /* `from`: the button or form that sends; it is not sent twice at once, and work that takes a while says so. */
  function act(name, form, from) {
    if (from && from.getAttribute("aria-busy")) { return; }
    ready(function () {
      busy(true);
      var told = from && setTimeout(function () { told = notice(said_here("wait"), "wait", true); }, 1500);
      if (from) { forget(); from.setAttribute("aria-busy", "true"); }
      server.portal_act({ url: location.pathname + location.search, act: name, form: form }).then(function (got) {
        if (got.status !== 200) { refused(got.html, from); return; }
        document.querySelectorAll("dialog[open]").forEach(function (sheet) { sheet.close(); });
        if (got.notice) { notice(got.notice, got.tone, true); }
        if (got.extra && got.extra.html) { var out = document.getElementById(got.extra.into); if (out) { out.innerHTML = got.extra.html; } number_lines(); return; }
        show(got.goto || location.pathname + location.search, false, !!got.goto);
      }).catch(lost).finally(function () {
        busy(false);
        if (!from) { return; }
        from.removeAttribute("aria-busy");
        if (told.remove) { told.remove(); } else { clearTimeout(told); }
      });
    });
  }

  /* Links of the same area move without a new document; everything else is an ordinary link. */
  document.addEventListener("click", function (event) {
    var target = event.target.closest("a, button, tr[data-href], .cell, li[data-line]");
    if (!target || event.defaultPrevented) { return; }
    if (target.matches("[data-copy]")) { copy(target); return; }
    if (target.matches("[data-theme]") && target.tagName === "BUTTON") { theme(); return; }
    if (target.matches("[data-why]")) { notice(target.dataset.why, "bad", true); return; } // its title is nothing to a finger or a key
    if (target.matches("[data-sheet]")) { open_sheet(target); return; }
    if (target.matches("[data-close]")) { target.closest("dialog").close(); return; }
    if (target.matches("[data-act]")) { event.preventDefault(); act(target.dataset.act, JSON.parse(target.dataset.form || "{}"), target); return; }
    if (target.matches("li[data-line]")) { to_line(Number(target.dataset.line)); return; }
    if (target.matches(".cell")) { target.classList.toggle("open"); return; }
    if (target.tagName === "TR") { if (!event.target.closest("a, button, input")) { go(target.dataset.href, event); } return; }
    if (target.tagName === "A" && target.href && !target.target && !target.download && target.origin === location.origin) { go(target.getAttribute("href"), event); }
  });

  /* Text that was typed and not kept: ask before leaving it. */
  function unsaved() {
    var box = document.querySelector("[data-guard]");
    return box && box.value !== box.defaultValue ? box.dataset.guard : "";
  }
  window.addEventListener("beforeunload", function (event) { if (unsaved()) { event.preventDefault(); } });

  function go(href, event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button || href.charAt(0) === "#") { return; }
    var parts = new URL(href, location.href).pathname.split("/");
    if (parts.length < 4 || area(href) !== area(location.href)) { if (event.target.closest("tr[data-href]")) { location.href = href; } return; }
    event.preventDefault();
    if (!unsaved() || window.confirm(unsaved())) { show(href, false, true); }
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (said(form, "data-act")) {
      event.preventDefault();
      var ask = event.submitter && event.submitter.dataset.ask;
      if (ask && !window.confirm(ask)) { return; }
      var values = fields(form);
      if (event.submitter && event.submitter.name) { values[event.submitter.name] = event.submitter.value; }
      act(said(form, "data-act"), values, form);
    } else if (said(form, "method") === "get" && area(said(form, "action")) === area(location.href)) {
      event.preventDefault();
      show(address(form), false, true);
    }
  });

  /* A form's own attribute: a field called dataset, action or method would hide it as a property. */
  function said(form, name) { return form.getAttribute(name); }

  function address(form) {
    var url = new URL(said(form, "action"), location.href);
    new FormData(form).forEach(function (value, name) { if (value) { url.searchParams.set(name, value); } else { url.searchParams.delete(name); } });
    return url.pathname + url.search;
  }

  /* Search as one types, but never in the middle of an input method's composition. */
  document.addEventListener("compositionstart", function () { composing = true; });
  document.addEventListener("compositionend", function (event) { composing = false; later(event.target); });
  document.addEventListener("input", function (event) { if (!composing && !event.isComposing) { later(event.target); } });
  document.addEventListener("change", function (event) { if (event.target.matches("form[data-live] select, form[data-live] input[type=checkbox]")) { later(event.target, 0); } });
  /* The digest of a chosen file, computed here: the file itself stays with whoever chose it. */
  document.addEventListener("change", function (event) {
    var box = event.target, file = box.matches("input[data-digest]") && box.files[0];
    if (!file || !window.crypto.subtle) { return; }
    file.arrayBuffer().then(function (bytes) { return window.crypto.subtle.digest("SHA-256", bytes); }).then(function (sum) {
      box.form.elements[box.dataset.digest].value = Array.from(new Uint8Array(sum), function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
    });
  });
  /* The text of a chosen file, put where it can be read before it is sent. */
  document.addEventListener("change", function (event) {
    var box = event.target, file = box.matches("input[data-text]") && box.files[0];
    if (file) { file.text().then(function (words) { box.form.elements[box.dataset.text].value = words; }); }
  });
  /* The name of a chosen file, in the words of the page. */
  document.addEventListener("change", function (event) {
    var name = event.target.matches(".file input") && event.target.parentElement.querySelector(".chosen");
    if (name) { name.textContent = event.target.files.length ? event.target.files[0].name : name.dataset.none; }
  });
  function later(box, wait) {
    var form = box.form;
    if (!form) { return; }
    clearTimeout(timer);
    if (said(form, "data-live") !== null) { timer = setTimeout(function () { show(address(form), true, true); }, wait === undefined ? 180 : wait); }
    if (box.dataset.liveAct) { timer = setTimeout(function () { act(box.dataset.liveAct, fields(form)); }, 350); }
  }

  function copy(button) {
    navigator.clipboard.writeText(button.dataset.copy || button.closest(".snippet").querySelector("pre").innerText).then(function () {
      button.classList.add("done");
      setTimeout(function () { button.classList.remove("done"); }, 1400);
    });
  }
  function theme() {
    var next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    document.body.classList.toggle("dark", next === "dark");
    document.cookie = "theme=" + next + ";path=/;max-age=31536000;samesite=lax";
  }
  function open_sheet(button) {
    var sheet = document.getElementById(button.dataset.sheet);
    button.focus(); // where the focus returns when the sheet closes
    forget();
    sheet.showModal();
    var box = sheet.querySelector("textarea, input:not([type=hidden]), select");
    if (box) { box.focus(); }
  }

  /* Is the focus in a box one types in? For a frame it may still stand in a sheet that has just closed: nobody types there. */
  function typing(at) { return at.closest("dialog[open]") || at.closest("input, textarea, select, [contenteditable]") && !at.closest("dialog"); }

  /* Keys: "/" searches, j and k move in a list, a and r open the two decisions, ? nothing hidden: every key stands on a button. */
  document.addEventListener("keydown", function (event) {
    if (event.isComposing || event.keyCode === 229 || event.metaKey || event.ctrlKey || event.altKey) { return; }
    if (event.key === "Enter" && event.target.matches("tr[data-href]")) { go(event.target.dataset.href, event); return; }
    if (typing(event.target)) { return; }
    var key = event.key === "/" ? document.querySelector('[data-key="/"]') : screen() && screen().querySelector('[data-key="' + CSS.escape(event.key) + '"]');
    if (key) { event.preventDefault(); if (key.tagName === "INPUT") { key.focus(); key.select(); } else { key.click(); } }
  });

  document.addEventListener("toggle", function (event) {
    if (!event.target.matches(".user, .burger") || !event.target.open) { return; }
    document.addEventListener("click", function close(click) { if (!event.target.contains(click.target)) { event.target.open = false; document.removeEventListener("click", close); } });
  }, true);
  window.addEventListener("popstate", function () { document.querySelectorAll("dialog[open]").forEach(function (sheet) { sheet.close(); }); if (area(shown) === area(location.href)) { show(location.pathname + location.search, false, false); } });

  /* An editor with line numbers; the lines named by the check are marked. */
  function number_lines() {
    var gutter = document.querySelector(".gutter");
    if (!gutter) { return; }
    var box = gutter.nextElementSibling, wrong = {}, count = box.value.split("\n").length, out = "";
    document.querySelectorAll("#check li[data-line]").forEach(function (item) { wrong[item.dataset.line] = true; });
    for (var line = 1; line <= count; line += 1) { out += (wrong[line] ? "<b>" + line + "</b>" : line) + "\n"; }
    gutter.innerHTML = out;
    gutter.scrollTop = box.scrollTop;
    if (!box.dataset.numbered) {
      box.dataset.numbered = "1";
      box.addEventListener("scroll", function () { gutter.scrollTop = box.scrollTop; });
      box.addEventListener("input", number_lines);
    }
  }
  function to_line(line) {
    var box = document.querySelector(".numbered textarea"), lines = box.value.split("\n"), start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    box.focus();
    box.setSelectionRange(start, start + lines[line - 1].length);
    box.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(box).lineHeight));
  }

  /* Work that runs is watched: a part with data-every is asked again from data-from until it comes without. */
  var watch = 0;
  function begin() {
    number_lines();
    var due = document.querySelector("#screen [data-now]");
    if (due) { due.removeAttribute("data-now"); open_sheet(due); }
    document.querySelectorAll(".places a.current, #screen .tabs .current").forEach(function (at) {
      var row = at.closest(".bar-in, .tabs"); // on a phone the row is longer than the window: where one is stays in sight
      row.scrollLeft = at.offsetLeft - row.offsetLeft - (row.clientWidth - at.offsetWidth) / 2;
    });
    document.querySelectorAll(".flowchart .node.here, .flowchart .node.been").forEach(function (at) {
      var row = at.closest(".scroll"), here = at.getBoundingClientRect(), seen = row.getBoundingClientRect();
      if (here.right > seen.right) { row.scrollLeft += here.right - seen.right + 24; }
    });
    clearInterval(watch);
    watch = setInterval(function () {
      if (!server || document.visibilityState !== "visible") { return; } // on a busy machine work may be watched before there is anybody to ask
      document.querySelectorAll("[data-every]").forEach(function (part) {
        server.portal_show({ url: part.dataset.from }).then(function (got) { if (got.status === 200) { put(got, true); } }).catch(function () {});
      });
    }, 2000);
  }
  document.addEventListener("DOMContentLoaded", begin);
  window.portal = { attach: attach, act: act, show: show, notice: notice };
})();
