import { Command } from "commander";
import { out, UsageError } from "./output.ts";

export function reportCommand(): Command {
  return new Command("report")
    .description(
      "Make one HTML page from the JSON reports of several runs: a matrix of implementations, and their failures.",
    )
    .argument("<reports...>", "files that `tensorwire conformance --json` wrote")
    .requiredOption("--html <file>", "the page to write; it needs nothing else; - is stdout")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire conformance --json reference.json
  tensorwire conformance --launch "python3 port.py" --json python.json
  tensorwire report reference.json python.json --html matrix.html

Exit status: 0 the page is written, 64 usage. What the runs came to is in the page.`,
    )
    .action(async (paths: string[], { html }: { html: string }) => {
      const { matrixPage, readReport, ReportError } = await import("@tensorwire/conformance");
      try {
        const page = matrixPage(paths.map(readReport));
        if (html === "-") await Bun.write(Bun.stdout, page);
        else {
          await Bun.write(html, page);
          out.line(`${html}: ${paths.length === 1 ? "1 report" : `${paths.length} reports`}`);
        }
      } catch (error) {
        throw error instanceof ReportError ? new UsageError(error.message) : error;
      }
    });
}
