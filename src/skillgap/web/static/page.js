// Everything works without this script. It adds suggestions while typing, page changes without a reload,
// charts that respond to the pointer, and own levels that take effect as they are moved.

const $ = (selector, within = document) => within.querySelector(selector);
const HTML = { headers: { Accept: "text/html" } };

// -- from page to page --------------------------------------------------------------------------------------------

let going = new AbortController();

async function go(address, { isNew = true } = {}) {
  going.abort();
  going = new AbortController();
  $("#main").setAttribute("aria-busy", "true");
  let page, response;
  try {
    response = await fetch(address, { ...HTML, signal: going.signal });
    page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
    return;
  }
  if (!$("#main", page)) return location.assign(address); // not one of these pages
  const { hash } = new URL(address, location);
  if (isNew) history.pushState(null, "", response.url.split("#")[0] + hash);
  document.title = page.title;
  $("#main").replaceWith($("#main", page));
  begin();
  const place = hash && document.getElementById(hash.slice(1));
  if (place) place.scrollIntoView();
  else if (isNew) scrollTo(0, 0);
  (($("#levels a[aria-current]") && place) ? $("#levels a[aria-current]") : $("h1")).focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  // `data-leave` marks links to files and to other documents.
  if (link.origin !== location.origin || "leave" in link.dataset || link.getAttribute("href")[0] === "#") return;
  event.preventDefault();
  go(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  event.preventDefault();
  if (form.method === "post") return compare(form);
  go(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form, event.submitter))}`);
});

let shown = location.pathname + location.search;
addEventListener("popstate", () => {
  if (shown !== location.pathname + location.search) go(location.href, { isNew: false });
});

// -- suggestions ----------------------------------------------------------------------------------------------------

function suggest(input) {
  const list = document.createElement("ul");
  list.id = `${input.id}-list`;
  list.hidden = true;
  list.tabIndex = -1; // or Tab would stop at it, because it scrolls
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Occupations");
  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");
  input.after(list, status);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id }))
    input.setAttribute(name, value);
  let request = new AbortController();
  let timer, active;

  const show = (isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) mark(null);
  };
  const mark = (option) => {
    active?.setAttribute("aria-selected", "false");
    active = option;
    active?.setAttribute("aria-selected", "true");
    active?.scrollIntoView({ block: "nearest" });
    if (active) input.setAttribute("aria-activedescendant", active.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const take = (option) => {
    input.value = option.dataset.title;
    close();
  };
  // A late response must not change a list that is closed or has a marked option.
  const settle = () => {
    clearTimeout(timer);
    request.abort();
  };
  const close = () => {
    settle();
    show(false);
  };
  const ask = async () => {
    request.abort();
    request = new AbortController();
    const text = input.value.trim();
    if (!text) return show(false);
    let occupations;
    try {
      const query = new URLSearchParams({ q: text, limit: 8 });
      const response = await fetch(`/occupations?${query}`, { signal: request.signal });
      if (!response.ok) return show(false);
      occupations = (await response.json()).items;
    } catch {
      return;
    }
    if (document.activeElement !== input) return;
    mark(null);
    list.replaceChildren(...occupations.map(option));
    status.textContent = occupations.length ? `Occupations found: ${occupations.length}` : "No occupation found";
    show(occupations.length > 0);
  };
  const option = ({ occupation, matched_title: matched, title_kind: kind, match }, place) => {
    const item = document.createElement("li");
    item.id = `${list.id}-${place}`;
    item.dataset.title = occupation.title;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.append(occupation.title);
    const notes = [];
    if (kind !== "title") notes.push(matched);
    if (match === "code") notes.push(occupation.onet_soc_code);
    if (!occupation.is_rated) notes.push(occupation.is_predicted ? "predicted levels" : "no levels yet");
    if (notes.length) {
      const small = document.createElement("small");
      small.textContent = notes.join("; ");
      item.append(small);
    }
    return item;
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 60);
  });
  input.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "Escape" && isOpen) {
      close();
    } else if (event.key === "Enter" && active) {
      take(active);
    } else if (event.key === "Tab" && active) {
      take(active);
      return;
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && isOpen) {
      settle();
      const options = [...list.children];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const from = active ? options.indexOf(active) : step > 0 ? -1 : options.length;
      mark(options[(from + step + options.length) % options.length]);
    } else {
      return;
    }
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // or the field would lose focus and close the list before the click
    const chosen = event.target.closest("[role=option]");
    if (chosen) take(chosen);
  });
  input.addEventListener("focus", library, { once: true }); // a chart is likely to follow
  show(false);
}

// -- charts -----------------------------------------------------------------------------------------------------------

const loaded = {};
const once = (address, get) => (loaded[address] ??= get(address));

// Imported as a module, which keeps the library's many names out of the global scope.
const library = () => once(document.body.dataset.charts, async (address) => (await import(address), window.vegaEmbed));

// Break a long name into two lines at the space nearest its middle.
function inTwoLines(name) {
  if (name.length <= 16) return name;
  const spaces = [...name.matchAll(/ /g)].map(({ index }) => index);
  const middle = spaces.sort((a, b) => Math.abs(a - name.length / 2) - Math.abs(b - name.length / 2))[0];
  return middle === undefined ? name : `${name.slice(0, middle)}\n${name.slice(middle + 1)}`;
}

async function draw() {
  const place = $(".chart[data-spec]");
  if (!place) return;
  const values = JSON.parse($("script", place).textContent);
  const drawing = $(".drawing", place);
  const [embed, spec] = await Promise.all([
    library(),
    once(place.dataset.spec, async (address) => (await fetch(address)).json()),
  ]);
  if (!place.isConnected) return;
  drawing.style.minHeight ||= `${drawing.clientHeight}px`; // so that nothing below moves
  // In pixels: Vega-Lite warns about a height in steps beside a fitted width.
  const size = { width: place.clientWidth, height: spec.height.step * values.length };
  const data = { ...spec.data, values };
  const { layer, encoding } = structuredClone({ layer: spec.layer, encoding: spec.encoding });
  if (size.width < 560) {
    data.values = values.map((row) => ({ ...row, name: inTwoLines(row.name) }));
    layer[0].encoding.x.title = "level";
    layer[0].encoding.color.legend.columns = 1;
    Object.assign(encoding.y.axis, { labelFontSize: 11, labelLineHeight: 12 });
  }
  // `ast` interprets expressions: the content security policy forbids compiling text to code.
  const options = { actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
  await embed(drawing, { ...spec, ...size, data, layer, encoding }, options);
  performance.mark("chart");
}

let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(draw, 200);
});

// -- own levels -------------------------------------------------------------------------------------------------------

const isOwn = (slider) => Number(slider.value) !== Number(slider.dataset.usual);
const changed = (form) => sliders(form).filter(isOwn);

function show(slider) {
  const row = slider.closest(".slider");
  $("output", row).value = String(Number(slider.value));
  row.classList.toggle("own", isOwn(slider));
}

async function compare(form) {
  going.abort();
  going = new AbortController();
  const status = $("#status");
  const levels = new URLSearchParams(changed(form).map(({ name, value }) => [name, value]));
  history.replaceState(null, "", levels.size ? `#${levels}` : location.pathname + location.search);
  let page;
  try {
    const response = await fetch(form.action, { ...HTML, method: "POST", body: new URLSearchParams(new FormData(form)), signal: going.signal });
    page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = "Not updated: the service cannot be reached. Try again in a moment.";
    return;
  }
  const result = $("#result", page);
  if (!result) return $("#main").replaceWith($("#main", page));
  $("#result").replaceChildren(...result.childNodes);
  status.textContent = $(".answer p").textContent;
  draw();
}

const sliders = (form) => [...form.elements].filter((element) => element.dataset.usual !== undefined);

// Set the sliders to the levels in the address; invalid ones are ignored.
function take(form) {
  const levels = new URLSearchParams(location.hash.slice(1));
  for (const slider of sliders(form)) {
    const level = parseFloat(levels.get(slider.name));
    slider.value = level >= 0 && level <= 7 ? level : slider.dataset.usual;
    show(slider);
  }
}

function own(form) {
  for (const slider of sliders(form)) {
    slider.addEventListener("input", () => show(slider));
    slider.addEventListener("change", () => compare(form));
  }
  if (location.hash) take(form);
  sliders(form).forEach(show);
  if (changed(form).length) compare(form);
}

addEventListener("hashchange", () => {
  const form = $("form.own");
  if (!form) return;
  take(form);
  compare(form);
});

// -- every page ----------------------------------------------------------------------------------------------------------

function begin() {
  shown = location.pathname + location.search;
  document.querySelectorAll("[data-suggest]").forEach(suggest);
  const form = $("form.own");
  if (form) own(form);
  draw();
}

begin();
