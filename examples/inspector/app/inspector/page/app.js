// The page: send an archive, watch it looked into. Everything shown is set as text, for an
// image's labels are whatever its maker liked.

const byId = (id) => document.getElementById(id);
const said = byId("said");
const progress = byId("progress");
let watched = null;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), 3);
  return `${(count / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

function state(part) {
  const words = { waiting: "waiting", working: "at it …", done: "done", failed: "failed" };
  return make("span", { class: part.state, title: part.error || part.state }, words[part.state]);
}

async function json(path, options) {
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

function send(file) {
  const request = new XMLHttpRequest();
  request.open("POST", `/archives?name=${encodeURIComponent(file.name)}`);
  request.upload.onprogress = (event) => { progress.value = (100 * event.loaded) / event.total; };
  request.onloadstart = () => { progress.hidden = false; said.textContent = `Sending ${file.name}`; };
  request.onloadend = () => {
    progress.hidden = true;
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* said below */ }
    if (!answer.id) {
      said.textContent = answer.error || "It could not be sent: the connection ended.";
      return;
    }
    said.textContent = answer.cached ? "Known already: answered from the cache." : "Received.";
    if (location.hash === `#${answer.id}`) route(); else location.hash = answer.id;
    list();
  };
  request.send(file);
}

async function list() {
  try {
    const { images } = await json("/images");
    byId("empty").hidden = images.length > 0;
    byId("images").hidden = images.length === 0;
    byId("images").tBodies[0].replaceChildren(...images.map((image) => make("tr", {},
      make("td", {}, make("a", { href: `#${image.id}` }, image.name || image.id.slice(0, 12))),
      make("td", { class: "number" }, bytes(image.bytes)),
      make("td", {}, state(image.inspect)),
      make("td", {}, state(image.size)))));
    const queues = await json("/queues");
    byId("queues").textContent = ["inspect", "size"].map((part) =>
      `${part}: ${queues[part].waiting} waiting, ${queues[part].working} in hand`).join(" · ");
  } catch (error) {
    byId("queues").textContent = error.message;
  }
}

function figures(pairs) {
  return make("dl", { class: "figures" }, ...pairs.map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function facts(pairs) {
  return make("dl", { class: "facts" }, ...pairs.filter(([, value]) => value).flatMap(
    ([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function table(caption, heads, rows) {
  const head = heads.map(([name, kind]) => make("th", { scope: "col", class: kind }, name));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell, at) =>
    make("td", { class: heads[at][1] }, cell))));
  return [make("h3", {}, caption), make("div", { class: "wide" }, make("table", {},
    make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)))];
}

function inspected(result) {
  return [
    facts([
      ["Names", result.names.join(", ")], ["Platform", result.platform],
      ["In the archive", result.platforms.length > 1 ? result.platforms.join(", ") : ""],
      ["Created", result.created], ["Runs as", result.user],
      ["Starts", [...result.entrypoint, ...result.command].join(" ")],
      ["In", result.folder], ["Ports", result.ports.join(", ")],
      ["Volumes", result.volumes.join(", ")], ["Stopped by", result.stop_signal],
      ["Environment", result.environment.join(", ")], ["Digest", result.digest],
    ]),
    ...(Object.keys(result.labels).length
      ? table("Labels", [["Label", ""], ["Value", ""]], Object.entries(result.labels)) : []),
    ...(result.history.length ? table("History", [["Step", "command"], ["When", ""]],
      result.history.map((step) => [step.command || "—", step.created])) : []),
  ];
}

function sized(result) {
  const most = Math.max(...result.layers.map((layer) => layer.unpacked), 1);
  return [
    figures([["Archived", bytes(result.packed)], ["Unpacked", bytes(result.unpacked)],
      ["Wasted", bytes(result.wasted)], ["Files", result.files.toLocaleString()]]),
    ...table("Layers",
      [["Command", "command"], ["Size", "number"], ["", ""], ["Wasted", "number waste"]],
      result.layers.map((layer) => [
        layer.command || layer.digest.slice(0, 19), bytes(layer.unpacked),
        make("meter", { max: most, value: layer.unpacked, "aria-label": "share of the largest" }),
        layer.wasted ? bytes(layer.wasted) : ""])),
    ...table("Largest files", [["File", "command"], ["Size", "number"], ["Layer", "number"]],
      result.largest.map((file) => [`/${file.path}`, bytes(file.bytes), String(file.layer + 1)])),
  ];
}

function part(title, value, show) {
  if (value.state === "done") return [make("h2", {}, title), ...show(value.result)];
  if (value.state === "failed") {
    return [make("h2", {}, title), make("p", { class: "failed" }, value.error)];
  }
  return [make("h2", {}, title), make("p", {}, state(value))];
}

function show(image) {
  const detail = byId("detail");
  detail.hidden = false;
  document.title = `${image.name} · Inspector`;
  detail.replaceChildren(make("h2", {}, image.name || image.id),
    ...part("Inspection", image.inspect, inspected), ...part("Sizes", image.size, sized));
}

function route() {
  watched?.close();
  watched = null;
  const id = location.hash.slice(1);
  byId("detail").hidden = true;
  document.title = "Inspector";
  if (!/^[a-f0-9]{64}$/.test(id)) return;
  watched = new EventSource(`/images/${id}/events`);
  watched.onmessage = (event) => { show(JSON.parse(event.data)); list(); };
  watched.addEventListener("end", () => watched?.close());
}

byId("file").addEventListener("change", (event) => {
  if (event.target.files[0]) send(event.target.files[0]);
  event.target.value = "";
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  byId("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) send(event.dataTransfer.files[0]);
  });
}
byId("send").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", route);
route();
list();
setInterval(list, 2000);
