/** Text that is HTML already. Only `h` makes it, so that nothing a report holds gets into a page unescaped. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }

  toString(): string {
    return this.html;
  }
}

type Content = string | number | Markup | undefined | false | readonly Content[];

/** A template whose every insertion is escaped, unless `h` made it. False and undefined are nothing. */
export function h(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(render)));
}

function render(value: Content): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Markup) return value.html;
  if (typeof value === "object") return value.map(render).join("");
  return Bun.escapeHTML(String(value).replaceAll(UNSEEN, "\ufffd"));
}

/** Characters that show nothing and change what stands around them: controls, and those that turn the direction of text. */
const UNSEEN = /[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
