import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CertificateRequest, setPaths, TestAuthority, validFor, writeSet } from "./certificates.ts";
import type { TlsOptions } from "./tls-files.ts";

const LOCAL = ["localhost", "127.0.0.1", "::1"];

/** Certificates for this package's tests, in files: a good one for this machine, and whatever else a test asks for. */
export class TlsSet {
  static #shared: Promise<TlsSet> | undefined;
  /** A good certificate for this machine, in both roles. */
  readonly node: TlsOptions;
  readonly authority: TestAuthority;
  readonly folder: string;

  private constructor(folder: string, authority: TestAuthority, node: TlsOptions) {
    this.folder = folder;
    this.authority = authority;
    this.node = node;
  }

  /** One for all tests of a process. */
  static shared(): Promise<TlsSet> {
    TlsSet.#shared ??= TlsSet.#create();
    return TlsSet.#shared;
  }

  static async #create(): Promise<TlsSet> {
    const folder = mkdtempSync(join(tmpdir(), "tw-tls-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    const authority = await TestAuthority.create("the right authority", validFor(1));
    const node = setPaths(folder, "node");
    writeSet(node, authority, await authority.issue({ name: "node", hosts: LOCAL }));
    return new TlsSet(folder, authority, node);
  }

  /** Another certificate, by this authority or another; it trusts this one all the same. */
  async issue(
    request: Partial<CertificateRequest> & { name: string },
    authority = this.authority,
  ): Promise<TlsOptions> {
    const paths = setPaths(this.folder, request.name);
    writeSet(paths, this.authority, await authority.issue({ hosts: LOCAL, ...request }));
    return paths;
  }
}
