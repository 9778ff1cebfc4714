import { Option, Redacted } from "effect"
import type { Settings } from "../config/settings.ts"

/** What an AWS client is given of the settings' credentials: nothing leaves it to the SDK's own chain. */
export const clientCredentials = (credentials: Settings["Service"]["credentials"]) =>
  Option.match(credentials, {
    onNone: () => ({}),
    onSome: ({ accessKeyId, secretAccessKey, sessionToken }) => ({
      credentials: {
        accessKeyId,
        secretAccessKey: Redacted.value(secretAccessKey),
        ...Option.match(sessionToken, {
          onNone: () => ({}),
          onSome: (token) => ({ sessionToken: Redacted.value(token) })
        })
      }
    })
  })
