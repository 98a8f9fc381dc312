import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PORT_OF } from "../../conformance/src/capture/tape.ts";
import type { Layout, NumberField } from "./layout.ts";

type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

/** The dissector: the layouts as a table of Lua, and the code that reads them. */
export function luaText(layouts: readonly Layout[]): string {
  const code = readFileSync(join(import.meta.dir, "dissector.lua"), "utf8");
  const shown = layouts.map(({ profile, streams, back, opening, message }) => ({
    profile,
    ...(back !== undefined && { back }),
    ports: streams.map((stream) => PORT_OF[stream]).join(","),
    ...(opening && { opening: withExpected(opening) }),
    message: withExpected(message),
  }));
  return `-- Wireshark dissector for the profiles of tensorwire: README.md beside it says how to use it.
-- Generated from spec/layouts/*.json by scripts/layouts/generate.ts.

local LAYOUTS = ${luaOf(shown, "")}

${code}`;
}

/** A number whose values have names says in words which of them are accepted. */
function withExpected(message: Layout["message"]): Plain {
  const worded = JSON.stringify(message, (_, value: unknown) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, "values")) return value;
    const accepted = Object.entries((value as NumberField).values!).filter(([, { refused }]) => refused === undefined);
    return { ...value, expected: accepted.map(([digits, { name }]) => `${digits} ${name}`).join(", ") };
  });
  return JSON.parse(worded) as Plain;
}

const WIDTH = 140;

function luaOf(value: Plain, indent: string): string {
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}  `;
  const items = Array.isArray(value)
    ? (value as readonly Plain[]).map((item) => luaOf(item, deeper))
    : Object.entries(value).map(([key, item]) => `${keyOf(key)} = ${luaOf(item, deeper)}`);
  const line = `{ ${items.join(", ")} }`;
  if (!line.includes("\n") && indent.length + line.length <= WIDTH) return line;
  return `{\n${items.map((item) => `${deeper}${item},\n`).join("")}${indent}}`;
}

const RESERVED = ["if", "then", "repeat", "end", "for"];
const keyOf = (key: string) => (/^[a-z_]+$/.test(key) && !RESERVED.includes(key) ? key : `[${JSON.stringify(key)}]`);
