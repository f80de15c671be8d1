// A small EHR: calls the CDS Hooks service over HTTP as any client would. Text from charts is only ever set as text.
const $ = (id) => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
const json = async (url, options) => {
  const response = await fetch(url, options);
  const text = await response.text();
  let body = null;
  try { body = text ? JSON.parse(text) : null; } catch { body = text; }
  return { ok: response.ok, status: response.status, body, text };
};
const post = (url, body) => json(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

let samples = [];
let current = null;
let lastRecord = null;

async function start() {
  const [list, discovery] = await Promise.all([json("/try/samples"), json("/cds-services")]);
  samples = list.body;
  for (const service of discovery.body.services) {
    $("service").append(make("option", { value: service.id, textContent: service.title ?? service.id }));
  }
  const wanted = new URLSearchParams(location.search);
  $("service").value = wanted.get("service") ?? "chart-review";
  for (const sample of samples) {
    const button = make("button", { type: "button" }, make("b", { textContent: sample.name }), make("span", { textContent: `${sample.age} years, ${sample.gender}. ${sample.story}` }));
    button.dataset.id = sample.id;
    button.addEventListener("click", () => open(sample));
    $("patients").append(make("li", {}, button));
  }
  $("service").addEventListener("change", () => current && open(current));
  $("again").addEventListener("click", () => current && open(current));
  await open(samples.find((sample) => sample.id === wanted.get("patient")) ?? samples[0]);
}

async function open(sample) {
  current = sample;
  for (const button of document.querySelectorAll("nav button")) button.setAttribute("aria-current", String(button.dataset.id === sample.id));
  $("status").className = "";
  $("status").textContent = "Reading the chart…";
  $("cards").replaceChildren();
  const request = (await json(`/try/samples/${sample.id}`)).body;
  if (current !== sample) return;
  drawChart(sample, request.prefetch);
  const service = $("service").value;
  const started = performance.now();
  const answer = await post(`/cds-services/${service}`, request);
  const ms = Math.round(performance.now() - started);
  if (current !== sample) return;
  $("request-json").textContent = JSON.stringify(request, shorten, 2);
  $("response-json").textContent = JSON.stringify(answer.body, null, 2);
  if (answer.ok) await drawCards(answer.body.cards, service, ms);
  else drawProblem(answer);
  await drawRecords();
}

const shorten = (key, value) => (typeof value === "string" && value.length > 400 ? `${value.slice(0, 120)}… (${value.length} characters)` : value);

function drawProblem(answer) {
  $("status").className = "problem";
  const why = answer.body?.issue?.[0]?.diagnostics ?? "The service did not say why.";
  $("status").textContent = `No answer (HTTP ${answer.status}). ${why}`;
}

async function drawCards(cards, service, ms) {
  $("status").textContent = cards.length === 1 ? `One card, after ${ms} ms.` : cards.length ? `${cards.length} cards, after ${ms} ms.` : `Answered after ${ms} ms.`;
  if (!cards.length) {
    $("cards").append(make("p", { className: "nothing", textContent: "Nothing to advise from what the service could read." }));
    return;
  }
  for (const card of cards) $("cards").append(await drawCard(card, service));
}

const level = { info: "For information", warning: "Please consider", critical: "Needs attention now" };

async function drawCard(card, service) {
  const detail = make("div", { className: "detail" });
  if (card.detail) detail.innerHTML = await (await fetch("/try/markdown", { method: "POST", headers: { "Content-Type": "text/plain" }, body: card.detail })).text();
  const node = make("article", { className: `card ${card.indicator}` }, make("span", { className: "tag", textContent: level[card.indicator] }), make("h3", { textContent: card.summary }), detail);
  node.dataset.uuid = card.uuid;
  const more = fold(detail);
  const acts = make("div", { className: "acts" });
  for (const suggestion of card.suggestions ?? []) {
    const button = make("button", { type: "button", className: "accept", textContent: suggestion.label });
    const drafts = (suggestion.actions ?? []).map((action) => action.description).join(" ");
    if (drafts) button.title = drafts;
    button.addEventListener("click", () => feedback(node, service, { card: card.uuid, outcome: "accepted", acceptedSuggestions: [{ id: suggestion.uuid }] }, "Accepted; recorded."));
    acts.append(button);
  }
  if (card.overrideReasons?.length) acts.append(overrideForm(node, card, service));
  for (const link of card.links ?? []) acts.append(make("a", { href: link.url, textContent: link.label, target: "_blank", rel: "noopener" }));
  node.append(acts, ...(more ? [more] : []), sourceLine(card.source));
  return node;
}

// What a card rests on stays in sight; how it was checked and what it is not for is one click away.
function fold(detail) {
  const blocks = [...detail.children];
  const from = blocks.findIndex((block) => /^(How it was validated|Made for)/.test(block.textContent));
  if (from < 1) return null;
  const rest = make("div", { className: "detail" }, ...blocks.slice(from));
  return make("details", {}, make("summary", { textContent: "How it was checked, and its limits" }), rest);
}

function overrideForm(node, card, service) {
  const form = make("form");
  const select = make("select", { ariaLabel: "Reason for not following this advice" }, make("option", { value: "", textContent: "Not followed because…" }));
  card.overrideReasons.forEach((reason, index) => select.append(make("option", { value: String(index), textContent: reason.display })));
  const comment = make("input", { placeholder: "Comment (optional)", ariaLabel: "Comment", maxLength: 500 });
  form.append(select, comment, make("button", { textContent: "Send" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (select.value === "") { select.focus(); return; }
    const overrideReason = { reason: card.overrideReasons[Number(select.value)] };
    if (comment.value.trim()) overrideReason.userComment = comment.value.trim();
    feedback(node, service, { card: card.uuid, outcome: "overridden", overrideReason }, "Not followed; reason recorded.");
  });
  return form;
}

async function feedback(node, service, entry, words) {
  for (const control of node.querySelectorAll("button, select, input")) control.disabled = true;
  entry.outcomeTimestamp = new Date().toISOString();
  const answer = await post(`/cds-services/${service}/feedback`, { feedback: [entry] });
  node.append(make("p", { className: "done", role: "status", textContent: answer.ok ? words : `Feedback was not stored (HTTP ${answer.status}).` }));
  await drawRecords();
}

const sourceLine = (source) => {
  const line = make("p", { className: "quiet source", textContent: "Source: " });
  line.append(source.url ? make("a", { href: source.url, textContent: source.label, rel: "noopener" }) : source.label);
  return line;
};

async function drawRecords() {
  const { body } = await json("/try/records");
  const newest = body.records[0];
  $("record-line").textContent = `${body.total.toLocaleString()} records in the log. Each answer and each piece of feedback is stored before anything is shown.`;
  const rows = body.records.map((record) => make("tr", { className: record.id === newest?.id && record.id !== lastRecord ? "new" : "" },
    make("td", { textContent: new Date(record.time).toLocaleTimeString() }), make("td", { textContent: record.kind }), make("td", { textContent: record.service ?? "" }),
    make("td", { textContent: `${(record.bytes / 1024).toFixed(1)} KiB` }), make("td", { className: "hash", textContent: `${record.digest.slice(7, 23)}…` })));
  $("records").tBodies[0].replaceChildren(...rows);
  lastRecord = newest?.id ?? null;
  const shown = body.records.find((record) => record.kind === "prediction") ?? newest;
  if (shown) $("record-json").textContent = JSON.stringify((await json(`/try/records/${shown.id}`)).body, shorten, 2);
}

function drawChart(sample, prefetch) {
  const chart = $("chart");
  const left = make("div", { className: "film" });
  const right = make("div");
  const media = prefetch.imaging.entry?.[0]?.resource;
  if (media) {
    const { contentType, data } = media.content;
    if (contentType.startsWith("image/")) left.append(make("img", { src: `data:${contentType};base64,${data}`, alt: "Film from the chart" }));
    left.append(make("p", { className: "quiet", textContent: contentType === "application/dicom" ? "Film (DICOM file, not drawn here)" : "Film (generated)" }));
  }
  const trends = readTrends(prefetch.observations);
  if (trends.length) right.append(make("div", { className: "trends" }, ...trends.slice(0, 12).map(drawTrend)));
  const problems = (prefetch.conditions.entry ?? []).map((entry) => entry.resource.code.text).join(", ");
  right.append(make("p", { textContent: `Problem list: ${problems || "empty"}` }));
  for (const entry of prefetch.notes.entry ?? []) {
    const attachment = entry.resource.content[0].attachment;
    const bytes = Uint8Array.from(atob(attachment.data), (letter) => letter.charCodeAt(0));
    right.append(make("div", { className: "note", tabIndex: 0, textContent: new TextDecoder().decode(bytes) }));
  }
  chart.replaceChildren(make("h1", { textContent: `${sample.name}, ${sample.age}` }), media ? left : make("span"), right);
}

function readTrends(bundle) {
  const series = new Map();
  const add = (code, quantity, time) => {
    const name = code?.text ?? code?.coding?.[0]?.display;
    if (!name || typeof quantity?.value !== "number" || !time) return;
    if (!series.has(name)) series.set(name, { name, unit: quantity.unit ?? "", points: [] });
    series.get(name).points.push([Date.parse(time), quantity.value]);
  };
  for (const { resource } of bundle.entry ?? []) {
    add(resource.code, resource.valueQuantity, resource.effectiveDateTime);
    if (Array.isArray(resource.component)) for (const part of resource.component) add(part.code, part.valueQuantity, resource.effectiveDateTime);
  }
  return [...series.values()].map((one) => ({ ...one, points: one.points.sort((a, b) => a[0] - b[0]) })).sort((a, b) => b.points.length - a.points.length);
}

const units = { Cel: "°C", degF: "°F", "{score}": "points", "[pH]": "", "mm[Hg]": "mmHg", "10*3/uL": "×10³/µL" };

function drawTrend({ name, unit, points }) {
  const values = points.map((point) => point[1]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const at = ([time, value]) => `${(100 * (time - first) / (last - first || 1)).toFixed(1)},${(22 - 20 * (value - low) / (high - low || 1)).toFixed(1)}`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  for (const [key, value] of Object.entries({ points: points.map(at).join(" "), fill: "none", stroke: "currentColor", "stroke-width": "1.6", "vector-effect": "non-scaling-stroke" })) line.setAttribute(key, value);
  svg.append(line);
  return make("div", { className: "trend" }, make("span", { textContent: name }), make("b", { textContent: `${values.at(-1)} ${units[unit] ?? unit}` }), svg);
}

start();
