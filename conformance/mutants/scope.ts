/** Rules that must have a mutant: of what a decoder or encoder does to one stream, of what a driver accepts, of who is let in, and of the authors of the next version. The IUT protocol is judged elsewhere. */
export function inScope(rule: string): boolean {
  return /^(?:len32|len64|len56|grpc|multipart|multipart-typed|tp|tp-session|pp|pp-session|link)\./.test(rule);
}
