import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Json } from "@tensorwire/conformance/protocol";
import protobuf from "protobufjs";

/** The protobuf messages in the values of vectors: which stand in them, by `spec/proto`, and what their scalar fields hold. */

/** The types whose fields are told apart by their values alone. */
export const SCALARS = ["bool", "uint32", "int64", "double"] as const;
const TEXTS: ReadonlySet<string> = new Set(["string", "bytes"]);
export type Scalar = (typeof SCALARS)[number];

export interface ScalarField {
  readonly name: string;
  readonly type: Scalar;
}

/** A message type: its own scalar fields, without the repeated ones. */
export interface Body {
  /** Without its package: `VideoStep`. */
  readonly name: string;
  readonly scalars: readonly ScalarField[];
  readonly inner: readonly { readonly name: string; readonly body: Body }[];
}

/** One message of a value. */
export interface Message {
  readonly body: Body;
  /** Where it stands: `manifest.video`; empty for the value itself. */
  readonly path: string;
  readonly fields: Readonly<Record<string, Json>>;
}

/** What the values of a profile hold: the body's type, and the name under which it stands in them if they are not it themselves. */
export interface Place {
  readonly body: Body;
  readonly under?: string;
}

const PROTOS = resolve(import.meta.dir, "../../spec/proto");
/** Its fields are the sender's own. */
const FREE = "google.protobuf.Struct";

/** By profile. A session refuses negative ids, so what is exact is shown by the profile of its layout. */
export function places(): ReadonlyMap<string, Place> {
  const root = new protobuf.Root();
  root.addJSON(protobuf.common.get("google/protobuf/struct.proto")!.nested!);
  for (const file of ["tensor", "tp_control", "pp_contract"])
    protobuf.parse(readFileSync(resolve(PROTOS, `${file}.proto`), "utf8"), root, { keepCase: true });
  root.resolveAll();
  const body = (name: string) => bodyOf(root.lookupType(name));
  return new Map([
    ["tp", { body: body("tensorwire.tp.v1.TPManifest"), under: "manifest" }],
    ["pp-envelope", { body: body("tensorwire.pp.v1.PPEnvelopeV1") }],
    ["pp-result", { body: body("tensorwire.pp.v1.PPResultV1") }],
  ]);
}

function bodyOf({ name, fieldsArray }: protobuf.Type): Body {
  const types = fieldsArray.filter(({ resolvedType }) => resolvedType instanceof protobuf.Type);
  return {
    name,
    scalars: fieldsArray.flatMap((field) => {
      const type = SCALARS.find((scalar) => scalar === field.type);
      if (type !== undefined && !field.repeated) return [{ name: field.name, type }];
      if (field.repeated || field.resolvedType !== null || TEXTS.has(field.type)) return [];
      throw new Error(`${name}.${field.name}: expected a field of type ${SCALARS.join(" or ")}, ${field.type} came`);
    }),
    inner: types
      .filter(({ resolvedType }) => resolvedType!.fullName !== `.${FREE}`)
      .map((field) => ({ name: field.name, body: bodyOf(field.resolvedType as protobuf.Type) })),
  };
}

/** `body` and every type inside it, each once. */
export function bodiesIn(body: Body): Body[] {
  return [body, ...body.inner.flatMap((inner) => bodiesIn(inner.body))];
}

/** The messages of a value, the outermost first. */
export function messagesIn(value: Json, { body, under = "" }: Place): Message[] {
  return found(under === "" ? value : memberOf(value, under), body, under);
}

function found(value: Json | undefined, body: Body, path: string): Message[] {
  if (Array.isArray(value)) return value.flatMap((item) => found(item, body, path));
  // A header that stands alone has no body, and an absent sub-message no value.
  if (!isObject(value)) return [];
  const inner = body.inner.flatMap((field) =>
    found(value[field.name], field.body, path === "" ? field.name : `${path}.${field.name}`),
  );
  return [{ body, path, fields: value }, ...inner];
}

function memberOf(value: Json, name: string): Json | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
