import { describe, expect, test } from "bun:test";
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "./connect.ts";
import { listen } from "./listen.ts";
import { rejection } from "./pairs.ts";
import type { TlsOptions } from "./tls-files.ts";
import { TlsSet } from "./tls-set.ts";

const DAY_MS = 86_400_000;
const days = (from: number, to: number) => ({
  from: new Date(Date.now() + from * DAY_MS),
  to: new Date(Date.now() + to * DAY_MS),
});

/** What both sides say of such files, before any socket is opened: it is the same. */
async function refusalOf(tls: TlsOptions): Promise<string> {
  const errors = [await rejection(listen(undefined, { tls, onConnection: () => {} }))];
  errors.push(await rejection(connect("tcp://127.0.0.1:1", { tls })));
  for (const error of errors) expect(error).toMatchObject({ code: "transport.refused", fault: "caller", fatal: false });
  expect((errors[0] as Error).message).toBe((errors[1] as Error).message);
  return (errors[0] as Error).message;
}

describe("TLS files that cannot be used are refused by name", () => {
  test.each(["ca", "cert", "key"] as const)("%s is not there", async (which) => {
    using set = await TlsSet.create();
    const path = join(set.folder, "nowhere.pem");
    const message = await refusalOf({ ...set.node, [which]: path });
    expect(message).toStartWith(`[transport.refused] TLS file ${path}: expected `);
    expect(message).toEndWith("it cannot be read: there is no such file");
  });

  test.each(["ca", "cert", "key"] as const)("%s is something else", async (which) => {
    using set = await TlsSet.create();
    const path = join(set.folder, "text.pem");
    writeFileSync(path, "no PEM at all\n");
    expect(await refusalOf({ ...set.node, [which]: path })).toStartWith(
      `[transport.refused] TLS file ${path}: expected a`,
    );
    writeFileSync(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect(await refusalOf({ ...set.node, [which]: path })).toContain(`TLS file ${path}: expected a`);
  });

  test("the key is of another certificate", async () => {
    using set = await TlsSet.create();
    const other = await set.issue({ name: "other" });
    expect(await refusalOf({ ...set.node, key: other.key })).toBe(
      `[transport.refused] TLS file ${other.key}: expected the private key of the certificate in ${set.node.cert} (CN=node), it is another one`,
    );
  });

  test("what stands behind the certificate is none", async () => {
    using set = await TlsSet.create();
    appendFileSync(set.node.cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect(await refusalOf(set.node)).toContain(
      `TLS file ${set.node.cert}: expected a certificate and a key for TLS 1.3: `,
    );
  });

  test("the certificate is over, or has not begun", async () => {
    using set = await TlsSet.create();
    const old = await set.issue({ name: "old", validity: days(-30, -1) });
    expect(await refusalOf(old)).toContain(
      `TLS file ${old.cert}: expected a certificate that is valid now, CN=old expired `,
    );
    const early = await set.issue({ name: "early", validity: days(1, 30) });
    expect(await refusalOf(early)).toContain("CN=early begins ");
  });
});

test("only the owner may read a key", async () => {
  using set = await TlsSet.create();
  expect(statSync(set.node.key).mode & 0o777).toBe(0o600);
});
