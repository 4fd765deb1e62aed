// The page: a paper to draw on, and what each model says of it, asked anew while one draws.

const $ = (id) => document.getElementById(id);
const paper = $("paper");
const ink = paper.getContext("2d");
const MODELS = [];  // {name, labels, takes}, as the server lists them: those that take images
const KEY_STEP = 8;  // pixels that an arrow moves the pen

// What is asked about: null for an empty paper, or {image: () => Promise<Blob>, polarity}.
let subject = null;
let apiKey = "";

// --- the server ---

async function call(path, options = {}) {
  const headers = { ...options.headers, ...(apiKey && { Authorization: `Bearer ${apiKey}` }) };
  const answer = await fetch(path, { ...options, headers });
  const body = await answer.json();
  if (answer.ok) return body;
  const { message, hint } = body.error;
  throw Object.assign(new Error(hint ? `${message} (${hint})` : message), { status: answer.status });
}

const listModels = async () => (await call("models")).models;

async function classify(model, image, polarity) {
  const query = new URLSearchParams({ model, polarity, fit: 1, pixels: 1 });
  const headers = { "Content-Type": image.type || "image/png" };
  return (await call(`predict?${query}`, { method: "POST", headers, body: image })).predictions[0];
}

// --- asking: one question at a time; what changes meanwhile is asked once more ---

let asking = false;
let changed = false;

async function ask() {
  changed = true;
  if (asking) return;
  asking = true;
  while (changed) {
    changed = false;
    const asked = subject;
    try {
      const image = asked && (await asked.image());
      const answers = asked && (await Promise.all(MODELS.map(({ name }) => classify(name, image, asked.polarity))));
      if (asked === subject) show(answers);
    } catch (error) {
      if (asked === subject) showProblem(error);
    }
  }
  asking = false;
}

// --- showing ---

const VALUE = "value";  // the row of models that have no labels
const percent = (probability) => `${(100 * probability).toFixed(1)} %`;
const number = (value) => String(Number(value.toPrecision(6)));

function show(answers) {
  $("problem").hidden = true;
  showGiven(answers?.[0].pixels, MODELS[0]?.takes.size ?? [28, 28]);
  $("answer").textContent = answers ? sentence(answers) : "";
  MODELS.forEach(({ labels }, column) => {
    if (!labels.length) cellOf(VALUE, column).querySelector("output").value = answers ? number(answers[column].value) : "";
    labels.forEach((label, index) => {
      const cell = cellOf(label, column);
      const probability = answers?.[column].probabilities[index] ?? 0;
      cell.querySelector("meter").value = probability;
      cell.querySelector("output").value = answers ? percent(probability) : "";
      cell.classList.toggle("best", answers?.[column].label === label);
    });
  });
}

function sentence(answers) {
  const said = new Map();  // label -> the models that say it
  answers.forEach(({ label, probability, value }, column) => {
    const what = label ?? number(value);
    const how = label === undefined ? "" : ` (${percent(probability)})`;
    said.set(what, [...(said.get(what) ?? []), MODELS[column].name + how]);
  });
  return [...said].map(([label, models]) => `${label}, says ${models.join(" and ")}`).join("; ");
}

function showGiven(pixels, [height, width]) {
  const given = $("given");
  Object.assign(given, { width, height });
  const context = given.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...Array(3).fill(pixels?.[i] ?? 0), 255], 4 * i);
  context.putImageData(image, 0, 0);
  given.setAttribute("aria-label", pixels ? `the image, light on dark, as ${width} by ${height} pixels` : "nothing yet");
}

function showProblem(error) {
  show(null);
  $("key-form").hidden = error.status !== 401;
  $("problem").textContent = error.message;
  $("problem").hidden = false;
}

function buildBars() {
  const labels = [...new Set(MODELS.flatMap((model) => (model.labels.length ? model.labels : [VALUE])))];
  const head = $("bars").tHead.insertRow();
  for (const name of ["", ...MODELS.map((model) => model.name)]) {
    const cell = head.appendChild(document.createElement(name ? "th" : "td"));
    if (name) cell.scope = "col";
    cell.textContent = name;
  }
  for (const label of labels) {
    const row = $("bars").tBodies[0].insertRow();
    row.dataset.label = label;
    const cell = row.appendChild(document.createElement("th"));
    cell.scope = "row";
    cell.textContent = label;
    for (const model of MODELS) {
      const bar = document.createElement("div");
      bar.className = "bar";
      if (model.labels.includes(label)) {
        const meter = bar.appendChild(document.createElement("meter"));
        meter.setAttribute("aria-label", `${label}, ${model.name}`);
        bar.appendChild(document.createElement("output")).ariaLive = "off";
      } else if (!model.labels.length && label === VALUE) {
        bar.appendChild(document.createElement("output")).ariaLive = "off";
      }
      row.insertCell().append(bar);
    }
  }
}

function cellOf(label, column) {
  const rows = [...$("bars").tBodies[0].rows];
  return rows.find((row) => row.dataset.label === label).cells[column + 1];
}

// --- the paper ---

const drawing = { image: () => new Promise((resolve) => paper.toBlob(resolve, "image/png")), polarity: "dark" };
const pen = { x: 140, y: 140, down: false };

function clear() {
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, paper.width, paper.height);
  subject = null;
  ask();
}

function drawTo(x, y) {
  if (subject !== drawing) clear();  // an image that lay there gives way to a drawing
  Object.assign(ink, { lineWidth: $("pen").value, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
  ink.beginPath();
  ink.moveTo(pen.x, pen.y);
  ink.lineTo(x, y + (x === pen.x && y === pen.y ? 0.1 : 0));  // a line of no length would not be drawn
  ink.stroke();
  subject = drawing;
  ask();
}

function moveTo(x, y) {
  if (pen.down) drawTo(x, y);
  Object.assign(pen, { x, y });
  Object.assign($("nib").style, { left: `${x}px`, top: `${y}px` });
}

function lower(down) {
  pen.down = down;
  $("nib").classList.toggle("down", down);
  $("answer").ariaLive = down ? "off" : "polite";  // a screen reader hears the end of a stroke, not each step of it
  if (down) drawTo(pen.x, pen.y);
  else if (subject) ask();
}

function positionOf(event) {
  const box = paper.getBoundingClientRect();
  return [event.clientX - box.left - paper.clientLeft, event.clientY - box.top - paper.clientTop];
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  $("nib").hidden = true;
  moveTo(...positionOf(event));
  lower(true);
});
paper.addEventListener("pointermove", (event) => {
  if (!paper.hasPointerCapture(event.pointerId)) return;
  for (const step of event.getCoalescedEvents?.() ?? [event]) moveTo(...positionOf(step));
});
for (const end of ["pointerup", "pointercancel"]) {
  paper.addEventListener(end, () => lower(false));
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

paper.addEventListener("keydown", (event) => {
  const within = (value) => Math.min(Math.max(value, 0), paper.width);
  if (event.key in ARROWS) {
    const [right, down] = ARROWS[event.key];
    $("nib").hidden = false;
    moveTo(within(pen.x + KEY_STEP * right), within(pen.y + KEY_STEP * down));
  } else if (event.key === " ") {
    $("nib").hidden = false;
    lower(!pen.down);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    lower(false);
    clear();
  } else {
    return;
  }
  event.preventDefault();
});
paper.addEventListener("blur", () => {
  $("nib").hidden = true;
  if (pen.down) lower(false);
});
$("clear").addEventListener("click", clear);

// --- images from elsewhere: chosen, dropped or pasted; the file itself is sent, the paper only shows it ---

async function take(file) {
  if (!file || !MODELS.length) return;
  clear();
  subject = { image: async () => file, polarity: "auto" };
  ask();
  const picture = await createImageBitmap(file).catch(() => null);  // the server reads more kinds than a browser
  if (!picture) return;
  const scale = Math.min(paper.width / picture.width, paper.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  ink.drawImage(picture, (paper.width - width) / 2, (paper.height - height) / 2, width, height);
}

$("file").addEventListener("change", () => {
  take($("file").files[0]);
  $("file").value = "";  // so that the same file can be chosen again
});
document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files[0]);
});

// --- beginning ---

function tellOfOthers(models) {
  const asked = {
    table: ({ name, takes }) => `${name} takes rows of a table, ${takes.count} numbers each: POST /predict?model=${name}`,
    tensors: ({ name }) => `${name} takes tensors: POST /v2/models/${name}/infer`,
  };
  $("others").replaceChildren(
    ...models.map((model) => Object.assign(document.createElement("li"), { textContent: asked[model.takes.kind](model) })),
  );
  $("elsewhere").hidden = !models.length;
  $("drawing").hidden = !MODELS.length;
}

async function begin() {
  try {
    const models = await listModels();
    $("key-form").hidden = true;
    MODELS.push(...models.filter(({ takes }) => takes.kind === "images"));
    tellOfOthers(models.filter(({ takes }) => takes.kind !== "images"));
    buildBars();
    clear();
  } catch (error) {
    showProblem(error);
  }
}

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  apiKey = $("key").value;
  begin();
});
$("origin").textContent = new URL(".", location.href).href;
begin();
