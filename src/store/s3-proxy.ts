/** The proxy that requests go through. */
export interface OutboundProxy {
  /** Its address, without credentials. */
  readonly address: string
  /** The environment variable that names it. */
  readonly setting: string
}

/** The proxy through which `fetch` asks `endpoint`, as these environment variables say. */
export const proxyFor = (endpoint: string, environment: NodeJS.ProcessEnv): OutboundProxy | undefined => {
  const { protocol, host, hostname } = URL.parse(endpoint) ?? new URL("https://s3.amazonaws.com")
  const spared = (environment.no_proxy || environment.NO_PROXY || "").split(",").map((name) => name.trim())
  if (spared.some((name) => name !== "" && (name === "*" || `.${hostname}`.endsWith(dotted(name)) || host === name))) {
    return undefined
  }
  const names = protocol === "https:" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"]
  const setting = names.find((name) => environment[name])
  if (setting === undefined) return undefined
  const address = environment[setting]!
  return { address: URL.parse(address)?.origin ?? address, setting }
}

const dotted = (name: string) => `.${name.replace(/^\*?\./, "")}`
