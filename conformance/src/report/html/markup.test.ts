import { expect, test } from "bun:test";
import fc from "fast-check";
import { h } from "./markup.ts";

test("what is inserted is text, whatever it holds; what `h` made is markup", () => {
  expect(h`<p>${"<b>&\"'"}${h`<i>${"x"}</i>`}${[1, false, undefined, "<"]}</p>`.html).toBe(
    "<p>&lt;b&gt;&amp;&quot;&#x27;<i>x</i>1&lt;</p>",
  );
});

test("no inserted text opens a tag, ends an attribute, or hides itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { html } = h`${text}`;
      expect(html).not.toMatch(/[<>"']/);
      expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    }),
  );
});
