/** A unit test, as `bun test` tells of it in JUnit XML. */
export interface Told {
  readonly file: string;
  /** What leads to it, the outermost first, and its own. */
  readonly titles: readonly string[];
  /** It did not run: a pattern left it out, or it skips itself. */
  skipped: boolean;
  /** The kind of what it threw: `AssertionError` for an expectation that failed. Null: it passed, or was skipped. */
  failure: { readonly type: string; readonly problem: string } | null;
}

/** All tests of a report, in its order. */
export async function readReport(xml: string): Promise<Told[]> {
  const told: Told[] = [];
  const attribute = (element: HTMLRewriterTypes.Element, name: string) => unescaped(element.getAttribute(name) ?? "");
  await new HTMLRewriter()
    .on("testcase", {
      element(element) {
        // The innermost comes first in it.
        const groups = attribute(element, "classname").split(" > ").reverse().filter(Boolean);
        const titles = [...groups, attribute(element, "name")];
        told.push({ file: attribute(element, "file"), titles, skipped: false, failure: null });
      },
    })
    .on("failure", {
      element(element) {
        const [problem = ""] = attribute(element, "message").split("\n");
        told.at(-1)!.failure = { type: attribute(element, "type"), problem };
      },
    })
    .on("skipped", {
      element() {
        told.at(-1)!.skipped = true;
      },
    })
    .transform(new Response(xml))
    .text();
  return told;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#10": "\n" };

/** HTMLRewriter leaves them as they stand. */
function unescaped(text: string): string {
  return text.replace(/&([^;]+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
