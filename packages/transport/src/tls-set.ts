import { type CertificateRequest, type Issued, setPaths, TestAuthority, validFor, writeSet } from "./certificates.ts";
import { temporaryFolder } from "./pairs.ts";
import type { TlsOptions } from "./tls-files.ts";

const LOCAL = ["localhost", "127.0.0.1", "::1"];

/** Made once, since a key takes longer to make than a file to write. */
let made: Promise<{ authority: TestAuthority; node: Issued }> | undefined;

async function make() {
  const authority = await TestAuthority.create("the right authority", validFor(1));
  return { authority, node: await authority.issue({ name: "node", hosts: LOCAL }) };
}

/** Certificates for tests, in files: a good one for this machine, and whatever else a test asks for. */
export class TlsSet implements Disposable {
  readonly authority: TestAuthority;
  /** A good certificate for this machine, in both roles. */
  readonly node: TlsOptions;
  readonly #folder = temporaryFolder();

  private constructor(authority: TestAuthority, node: Issued) {
    this.authority = authority;
    this.node = setPaths(this.#folder.path, "node");
    writeSet(this.node, authority, node);
  }

  static async create(): Promise<TlsSet> {
    made ??= make();
    const { authority, node } = await made;
    return new TlsSet(authority, node);
  }

  get folder(): string {
    return this.#folder.path;
  }

  /** Another certificate, by this authority or another one; its holder trusts this one all the same. */
  async issue(request: Partial<CertificateRequest> & { name: string }, by = this.authority): Promise<TlsOptions> {
    const paths = setPaths(this.folder, request.name);
    writeSet(paths, this.authority, await by.issue({ hosts: LOCAL, ...request }));
    return paths;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
