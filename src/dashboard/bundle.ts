import { programPath } from "../processes/programPath.ts"

/** A file of the dashboard, as it is sent; `index.html` is the page, and the bundler puts a hash of the content into the others' names. */
export interface DashboardFile {
  readonly name: string
  readonly type: string
  readonly text: string
}

/** The dashboard's files, bundled now, which takes about 0.1 s. In the one file of `bun run package` they are packed instead. */
export const bundleDashboard = async (): Promise<ReadonlyArray<DashboardFile>> => {
  const page = programPath("./index.html", import.meta.url)
  const publicPath = "/dashboard/"
  const { outputs } = await Bun.build({ entrypoints: [page], minify: true, target: "browser", publicPath, throw: true })
  return Promise.all(
    outputs.map(async (output) => ({
      name: output.path.replace(/^.*\//, ""),
      type: output.type,
      text: await output.text()
    }))
  )
}
