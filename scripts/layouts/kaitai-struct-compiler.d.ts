/** The package brings no types. */
declare module "kaitai-struct-compiler" {
  interface Compiler {
    compile(language: string, description: unknown, importer: unknown, debug: boolean): Promise<Record<string, string>>;
  }
  const compiler: Compiler;
  export default compiler;
}
