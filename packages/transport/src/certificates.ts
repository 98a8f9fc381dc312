// The library behind the generator wants this before it.
import "reflect-metadata";
import { rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { TlsOptions } from "./tls-files.ts";

export interface CertificateRequest {
  /** Common name. */
  readonly name: string;
  /** Names and IP addresses that it is for. */
  readonly hosts: readonly string[];
  readonly validity?: Validity;
  /** "both" unless told: a rank is the server of one connection and the client of the next. */
  readonly usage?: "client" | "server" | "both";
}

export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/** A peer whose clock is a little behind takes the certificate all the same. */
const SKEW_MS = 300_000;
const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export function validFor(days: number): Validity {
  const now = Date.now();
  return { from: new Date(now - SKEW_MS), to: new Date(now + days * DAY_MS) };
}

/** Issues certificates for tests: P-256, in PEM. Its own key is in no file and goes with this object. */
export class TestAuthority {
  /** The authority's own certificate. */
  readonly cert: string;
  readonly #certificate: X509Certificate;
  readonly #keys: CryptoKeyPair;
  readonly #validity: Validity;

  private constructor(certificate: X509Certificate, keys: CryptoKeyPair, validity: Validity) {
    this.cert = pem(certificate.toString("pem"));
    this.#certificate = certificate;
    this.#keys = keys;
    this.#validity = validity;
  }

  static async create(name: string, validity: Validity): Promise<TestAuthority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [name] }],
      notBefore: validity.from,
      notAfter: validity.to,
      keys,
      signingAlgorithm: P256,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new TestAuthority(certificate, keys, validity);
  }

  async issue({ name, hosts, validity = this.#validity, usage = "both" }: CertificateRequest): Promise<Issued> {
    const keys = await newKeys();
    const usages = [
      ...(usage === "client" ? [] : [ExtendedKeyUsage.serverAuth]),
      ...(usage === "server" ? [] : [ExtendedKeyUsage.clientAuth]),
    ];
    const certificate = await X509CertificateGenerator.create({
      subject: [{ CN: [name] }],
      issuer: this.#certificate.subject,
      notBefore: validity.from,
      notAfter: validity.to,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: P256,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(usages),
        new SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }) as const),
        ),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
    return { cert: pem(certificate.toString("pem")), key: pem(key) };
  }
}

/** Paths of a set in `folder`: `ca.pem`, `NAME.pem`, `NAME.key`. */
export function setPaths(folder: string, name: string): TlsOptions {
  return { ca: join(folder, "ca.pem"), cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

/** Writes them over what is there. Only the owner may read the key. */
export function writeSet({ ca, cert, key }: TlsOptions, authority: TestAuthority, issued: Issued): void {
  // A file that is there already would keep its mode.
  rmSync(key, { force: true });
  writeFileSync(ca, authority.cert);
  writeFileSync(cert, issued.cert);
  writeFileSync(key, issued.key, { mode: 0o600 });
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
}

/** A text file ends with a line feed. */
function pem(text: string): string {
  return `${text.trimEnd()}\n`;
}
