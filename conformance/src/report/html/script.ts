/**
 * What the page does beyond links: families fold, the matrix can be searched, arrow keys walk its links, commands can be copied.
 * Everything is there and reachable without it. It reads the page's own elements and makes none from text.
 */
export const SCRIPT = `
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const families = all("tbody[data-family]");
const only = document.querySelector("#only"), search = document.querySelector("#search");
const opened = new Map(families.map((body) => [body, body.dataset.open === "true"]));
function show() {
  const word = search.value.trim().toLowerCase();
  let shown = 0;
  for (const body of families) {
    const rows = all("tr.vector", body);
    const fits = (row) => (!only.checked || row.dataset.fails === "true") && (word === "" || row.dataset.name.toLowerCase().includes(word));
    const some = rows.filter(fits);
    const open = word !== "" || opened.get(body);
    for (const row of rows) row.hidden = !open || !fits(row);
    body.hidden = some.length === 0;
    shown += some.length;
    body.querySelector("button").setAttribute("aria-expanded", String(open));
  }
  document.querySelector("#shown").textContent = shown === 1 ? "1 vector" : shown + " vectors";
}
for (const body of families) {
  body.querySelector("button").addEventListener("click", () => { opened.set(body, !opened.get(body)); show(); });
}
document.querySelector(".tools")?.removeAttribute("hidden");
if (only !== null) { only.addEventListener("change", show); search.addEventListener("input", show); show(); }
for (const button of all("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  });
}
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input")) return;
  const page = document.querySelector("article.page:target");
  const key = page?.querySelector('nav a[data-key="' + CSS.escape(event.key) + '"]');
  if (key) { event.preventDefault(); key.click(); return; }
  const cell = event.target.closest?.(".matrix td, .matrix th");
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!cell || !step) return;
  const links = (row) => [...row.cells].filter((other) => other.querySelector("a, button"));
  const rows = all(".matrix tr").filter((row) => !row.hidden && !row.parentElement.hidden && links(row).length > 0);
  const row = cell.parentElement, x = cell.cellIndex;
  const away = (other) => Math.abs(other.cellIndex - x);
  const next = step[1] === 0
    ? links(row).filter((other) => Math.sign(other.cellIndex - x) === step[0]).sort((a, b) => away(a) - away(b))[0]
    : links(rows[rows.indexOf(row) + step[1]] ?? row).sort((a, b) => away(a) - away(b))[0];
  if (next) { event.preventDefault(); next.querySelector("a, button").focus(); }
});
function arrive() {
  const page = document.querySelector(":target");
  if (page?.matches("article.page")) { page.focus({ preventScroll: true }); scrollTo(0, 0); return; }
  const row = page?.closest("tr.vector");
  if (row) { opened.set(row.parentElement, true); show(); page.focus(); page.scrollIntoView({ block: "center" }); }
}
addEventListener("hashchange", arrive);
arrive();
`;
