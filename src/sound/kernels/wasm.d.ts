/** With `type: "file"`, Bun gives the path of the file. */
declare module "*.wasm" {
  const path: string
  export default path
}
