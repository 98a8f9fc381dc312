import type { X509Certificate } from "node:crypto";

/** What one side of a handshake knows when it has to say why it failed. */
export interface TlsFailure {
  /** As Bun reported it; null when the peer simply went away. */
  readonly cause: Error | null;
  readonly certificate: X509Certificate | undefined;
  /** The file of the authorities. */
  readonly ca: string;
  /** What the peer's certificate has to be for: it is the client or the server of the handshake. */
  readonly purpose: "client" | "server";
  /** The name or address that the certificate has to carry. */
  readonly name?: string | undefined;
}

/** Why a handshake failed, or a connection after it: what was expected, and what came. */
export function explainTls(failure: TlsFailure): string {
  const code = codeOf(failure.cause);
  if (code === "EPROTO") return protocolWords(failure.cause!.message);
  return CERTIFICATE_WORDS[code]?.(failure) ?? (code === "" ? GONE : `${GONE} (${code})`);
}

const GONE = "it went away in the TLS handshake";

const CERTIFICATE_WORDS: Readonly<Record<string, (failure: TlsFailure) => string>> = {
  CERT_HAS_EXPIRED: ({ certificate }) => `its certificate ${subjectOf(certificate)} expired ${certificate?.validTo}`,
  CERT_NOT_YET_VALID: ({ certificate }) => `its certificate ${subjectOf(certificate)} begins ${certificate?.validFrom}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  INVALID_PURPOSE: ({ certificate, purpose }) =>
    `its certificate ${subjectOf(certificate)} is not for a TLS ${purpose} (extended key usage)`,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ certificate, name }) =>
    `expected a certificate for ${name}, its certificate is for ${oneLine(certificate?.subjectAltName ?? "no name at all")}`,
};

function unknownAuthority({ ca, certificate }: TlsFailure): string {
  const issuer = oneLine(certificate?.issuer ?? "nobody");
  return `expected a certificate that an authority in ${ca} vouches for, ${subjectOf(certificate)} is issued by ${issuer}`;
}

const PROTOCOL_WORDS: Readonly<Record<string, string>> = {
  PEER_DID_NOT_RETURN_A_CERTIFICATE: "it has shown no certificate",
  WRONG_VERSION_NUMBER: "it does not speak TLS",
  HTTP_REQUEST: "it does not speak TLS but HTTP",
  UNSUPPORTED_PROTOCOL: "it does not speak TLS 1.3",
  TLSV1_ALERT_PROTOCOL_VERSION: "it does not speak TLS 1.3",
  TLSV1_ALERT_CERTIFICATE_REQUIRED: "it demands a certificate of this side",
  DECRYPTION_FAILED_OR_BAD_RECORD_MAC: "a TLS record was changed on the way",
};

/** The library's last word stands behind the last colon. An alert is what the peer said about this side. */
function protocolWords(message: string): string {
  const reason = message.slice(message.lastIndexOf(":") + 1).trim();
  const alert = /^(?:SSLV3|TLSV1)_ALERT_(.+)$/.exec(reason)?.[1];
  const plain =
    alert === undefined ? reason : `it answered with the TLS alert ${alert.toLowerCase().replaceAll("_", " ")}`;
  return PROTOCOL_WORDS[reason] ?? plain;
}

function subjectOf(certificate: X509Certificate | undefined): string {
  return oneLine(certificate?.subject ?? "of an unknown subject");
}

/** The most of a name that a message repeats, in characters. */
const SHOWN = 200;

/** A name has a line for each of its parts. It is the peer's text, so nothing in it may move a terminal's cursor, or fill a log. */
function oneLine(name: string): string {
  const line = name.replaceAll(/[^\x20-\x7e]+/g, " ");
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}...` : line;
}

function codeOf(error: Error | null): string {
  return error !== null && "code" in error ? String(error.code) : "";
}
