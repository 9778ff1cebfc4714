import { Option } from "effect"
import type { Settings } from "../config/settings.ts"

/** Bun's fetch as an AWS client takes it, which trusts the certificate authorities that the settings name. */
export const trustingFetch = (caBundle: Settings["Service"]["caBundle"], options: BunFetchRequestInit = {}) => {
  const trusting = { ...options, ...Option.match(caBundle, { onNone: () => ({}), onSome: (ca) => ({ tls: { ca } }) }) }
  return Object.assign((request: Request) => fetch(request, trusting), fetch)
}
