import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { type ErrorCode, refusal } from "@tensorwire/framing";

/**
 * Mutual TLS: paths of PEM files. TLS 1.3 only. Each side shows its certificate and takes none that `ca` does not vouch for.
 */
export interface TlsOptions {
  /** Certificates of the authorities that vouch for peers, and no others: the system's are not asked. */
  readonly ca: string;
  /** The certificate of this side, and those between it and the authority. It has to be good for both roles of TLS that it is used in. */
  readonly cert: string;
  readonly key: string;
}

/** The files' text, and the paths for messages. */
export interface TlsIdentity {
  readonly files: TlsOptions;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Reads the files anew, so that a renewed certificate is used from the next `listen` or `connect` on. Rejects with `transport.refused`. */
export async function readTlsFiles(files: TlsOptions): Promise<TlsIdentity> {
  // One after the other: of several that are missing, the first is named, every time.
  const ca = await read(files.ca, "the certificate of an authority");
  const cert = await read(files.cert, "a certificate");
  const key = await read(files.key, "the private key of the certificate");
  for (const text of certificatesOf(ca)) parseCertificate(files.ca, text);
  if (certificatesOf(ca).length === 0) throw bad(files.ca, "expected a certificate in PEM, none is in it");
  const [first] = certificatesOf(cert);
  if (first === undefined) throw bad(files.cert, "expected a certificate in PEM, none is in it");
  const own = parseCertificate(files.cert, first);
  checkDates(files.cert, own);
  if (!own.checkPrivateKey(parseKey(files.key, key))) {
    throw bad(
      files.key,
      `expected the private key of the certificate in ${files.cert} (${own.subject}), it is another one`,
    );
  }
  checkContext(files, { ca, cert, key });
  return { files, ca, cert, key };
}

/** What the library would only say at the first connection: a key that is too small, a signature that it does not know. */
function checkContext(
  { cert: path }: TlsOptions,
  pems: { readonly ca: string; readonly cert: string; readonly key: string },
): void {
  try {
    createSecureContext(pems);
  } catch (error) {
    throw bad(path, `expected a certificate and a key for TLS 1.3: ${messageOf(error)}`);
  }
}

async function read(path: string, what: string): Promise<string> {
  try {
    return await Bun.file(path).text();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw bad(path, `expected ${what}, it cannot be read: ${code === "ENOENT" ? "there is no such file" : code}`);
  }
}

function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

function parseCertificate(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw bad(path, `expected a certificate in PEM: ${messageOf(error)}`);
  }
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw bad(path, `expected a private key in PEM without a passphrase: ${messageOf(error)}`);
  }
}

function checkDates(path: string, { subject, validFrom, validTo }: X509Certificate): void {
  const now = Date.now();
  if (now > Date.parse(validTo))
    throw bad(path, `expected a certificate that is valid now, ${subject} expired ${validTo}`);
  if (now < Date.parse(validFrom)) {
    throw bad(path, `expected a certificate that is valid now, ${subject} begins ${validFrom}`);
  }
}

function bad(path: string, why: string) {
  return refusal("transport.refused" satisfies ErrorCode, `TLS file ${path}: ${why}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
