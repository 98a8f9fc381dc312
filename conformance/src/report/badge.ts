import type { Certificate } from "./certificate.ts";

/** DejaVu Sans at 11 pixels, near enough: no font is loaded, and textLength holds the words to these widths. */
const widthOf = (text: string) => Math.round(text.length * 6.6) + 12;

const xml = (text: string) => Bun.escapeHTML(text);

/** A badge for a README, made from a certificate alone: never without the corpus' hash and the date. */
export function badge(certificate: Certificate): string {
  const { corpus, date, exit, profiles, selection, iut } = certificate;
  const conformant = profiles.filter(({ word }) => word === "conformant").map(({ profile }) => profile);
  const whole = selection.profiles === null && selection.filter === null;
  const failing = profiles.some(({ word }) => word === "not conformant");
  const unsure = exit !== 0 && !failing;
  const what = failing ? "not conformant" : unsure ? "could not tell" : conformant.join(", ") || "nothing claimed";
  const parts = [
    { text: "tensorwire", fill: "#3b4252" },
    { text: whole ? what : `${what} (in part)`, fill: failing ? "#b42318" : unsure ? "#8a5a00" : "#18794e" },
    { text: `corpus ${corpus.hash.replace("sha256:", "").slice(0, 8)} · ${date}`, fill: "#57606a" },
  ];
  const total = parts.reduce((sum, { text }) => sum + widthOf(text), 0);
  const label = `${iut?.name ?? "no implementation"}: ${parts.map(({ text }) => text).join(", ")}`;
  let x = 0;
  const drawn = parts.map(({ text, fill }) => {
    const width = widthOf(text);
    const at = x;
    x += width;
    return (
      `<rect x="${at}" width="${width}" height="20" fill="${fill}"/>` +
      `<text x="${at + 6}" y="14" textLength="${width - 12}" lengthAdjust="spacingAndGlyphs">${xml(text)}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="20" role="img" aria-label="${xml(label)}">
<title>${xml(label)}</title>
<clipPath id="r"><rect width="${total}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)" fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">
${drawn.join("\n")}
</g>
</svg>
`;
}
