import { treaty } from "@elysiajs/eden"
import { EventSource } from "eventsource"
import type { Routes } from "../service/routes.ts"
import { ask } from "./parts/dialog.ts"
import { h } from "./parts/elements.ts"

/** A request that was refused; the message is the service's sentence. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfter: number
  ) {
    super(message)
  }
}

/** A failure in words for the reader. */
export const reasonOf = (error: unknown): string =>
  error instanceof Refused ? error.message : "Something went wrong on this page: reload it, and try again."

const TOKEN = "ecosight-token"

let asking: Promise<boolean> | undefined

/** Asks the reader for the token, once for all requests that wait for it; `refused` is one that was sent. */
const askToken = (refused: string | undefined): Promise<boolean> => {
  // Another request has asked meanwhile.
  if (asking === undefined && (sessionStorage.getItem(TOKEN) ?? undefined) !== refused) return Promise.resolve(true)
  asking ??= showTokenDialog(refused !== undefined).finally(() => {
    asking = undefined
  })
  return asking
}

const showTokenDialog = async (isWrong: boolean): Promise<boolean> => {
  const input = h("input", { type: "password", name: "token", autocomplete: "current-password", required: true })
  const chosen = await ask(
    "This service asks for its token",
    [
      ...(isWrong
        ? [
            h(
              "p",
              { class: "problem", role: "alert" },
              "That is not this service's token. Check it, and enter it again."
            )
          ]
        : []),
      h("label", { class: "stack" }, "Token", input),
      h(
        "p",
        { class: "hint" },
        "It is what API_TOKEN says where the service was started; whoever runs it knows it. It is kept until this tab is closed."
      )
    ],
    [{ value: "ok", label: "Continue", style: "primary" }]
  )
  if (chosen !== "ok") return false
  const token = input.value.trim()
  // No request can carry anything else: it would fail as if the service were away.
  if (!/^[!-~]+$/.test(token)) return showTokenDialog(true)
  sessionStorage.setItem(TOKEN, token)
  return true
}

const unreachable = () => new Refused(0, "The service cannot be reached.", 1)

const UNREADABLE = "This is a folder, or a file that has changed or gone since: choose the recordings themselves."

/** Why a form did not go: a file that the browser cannot read ends a request just as a service that is away. */
const notSent = async (form: FormData): Promise<Refused> => {
  const reads = await Promise.allSettled([...form.values()].map((part) => new Blob([part]).slice(0, 1).text()))
  return reads.every(({ status }) => status === "fulfilled") ? unreachable() : new Refused(400, UNREADABLE, 1)
}

const WITHOUT_TOKEN = "Nothing was done: this needs the service's token. Try again to enter it."

/** The headers that show this page may write. */
const credentials = (): Record<string, string> => {
  const token = sessionStorage.getItem(TOKEN)
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

const refused = (status: number, body: string, retryAfter: string | null): Refused => {
  let detail: string | undefined
  try {
    detail = (JSON.parse(body) as { detail?: string }).detail
  } catch {
    // Something between here and the service answered.
  }
  return new Refused(status, detail ?? `The service answered ${status}.`, Number(retryAfter ?? "1"))
}

/** Asks the service; where it wants a token, asks the reader for it and tries again. */
const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const sent = sessionStorage.getItem(TOKEN) ?? undefined
  const headers = { ...(init.headers as object), ...credentials() }
  const response = await fetch(path, { ...init, headers }).catch(() => Promise.reject(unreachable()))
  if (response.status === 401) {
    if (await askToken(sent)) return request(path, init)
    throw new Refused(401, WITHOUT_TOKEN, 1)
  }
  if (!response.ok) throw refused(response.status, await response.text(), response.headers.get("retry-after"))
  return response
}

/** The service's routes as functions. */
export const service = treaty<Routes>(location.origin, {
  fetcher: request as typeof fetch,
  // Dates stay the texts that their types say.
  parseDate: false
})

type Method = (...given: never) => Promise<{ readonly data: unknown }>

/** What a route answers. */
export type Answer<Asked extends Method> = NonNullable<Awaited<ReturnType<Asked>>["data"]>

/** The value of an answer; throws `Refused` where there is none. */
export const dataOf = async <A extends { readonly data: unknown; readonly error: null | { readonly value: unknown } }>(
  asked: Promise<A>
): Promise<NonNullable<A["data"]>> => {
  const { data, error } = await asked
  // The client wraps what `request` throws.
  if (error !== null) throw error.value
  return data!
}

/** What to do with each of a source's events, by its name. */
export type Takes<Data> = { readonly [Name in keyof Data]: (data: Data[Name]) => void }

/**
 * Follows a route's live events, with the token where the reader has given it: a browser's own EventSource cannot send one.
 * Where the line breaks, it comes back by itself.
 */
export const follow = <Data extends object>(route: { readonly "~path": string }, takes: Takes<Data>): EventSource => {
  const source = new EventSource(new URL(route["~path"], location.origin), {
    fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, ...credentials() } })
  })
  for (const name of Object.keys(takes) as Array<keyof Data & string>) {
    source.addEventListener(name, ({ data }) => takes[name](JSON.parse(data) as Data[typeof name]))
  }
  return source
}

/** The sound of a recording, or of a variant of it. */
export const fetchSound = async (key: string, variant = ""): Promise<Blob> => {
  const query = new URLSearchParams(variant === "" ? { key } : { key, variant })
  return (await request(`${service.clips.audio["~path"]}?${query}`)).blob()
}

/** A span of a field recording with seconds around it, and where in the recording that begins, in seconds. */
export const fetchEventSound = async (
  { recording, start, end }: { readonly recording: string; readonly start: number; readonly end: number },
  around: number
): Promise<{ readonly sound: Blob; readonly from: number }> => {
  const query = new URLSearchParams({ recording, start: `${start}`, end: `${end}`, around: `${around}` })
  const response = await request(`${service.events.audio["~path"]}?${query}`)
  return { sound: await response.blob(), from: Number(response.headers.get("x-sound-from") ?? start) }
}

/** Fetches what only the token opens, and hands it to the reader as a file. */
export const download = async (path: string, name: string): Promise<void> =>
  saveAs(await (await request(path)).blob(), name)

/** Hands the reader a file. */
export const saveAs = (content: Blob, name: string): void => {
  const url = URL.createObjectURL(content)
  h("a", { href: url, download: name }).click()
  // After the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** Sends a file and tells how far it is, 0 to 1, which fetch cannot. Waits where it is told to. */
export const send = async <Asked extends Method>(
  route: { readonly "~path": string; readonly post: Asked },
  form: FormData,
  progress: (share: number) => void = () => {}
): Promise<Answer<Asked>> => {
  const sent = sessionStorage.getItem(TOKEN) ?? undefined
  const xhr = await new Promise<XMLHttpRequest>((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open("POST", route["~path"])
    for (const [name, value] of Object.entries(credentials())) xhr.setRequestHeader(name, value)
    xhr.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0)
    xhr.onload = () => resolve(xhr)
    xhr.onerror = () => void notSent(form).then(reject)
    xhr.send(form)
  })
  if (xhr.status === 401) {
    if (await askToken(sent)) return send(route, form, progress)
    throw new Refused(401, WITHOUT_TOKEN, 1)
  }
  if (xhr.status >= 200 && xhr.status < 300) return JSON.parse(xhr.responseText) as Answer<Asked>
  const refusal = refused(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after"))
  if (xhr.status !== 429) throw refusal
  await new Promise((resolve) => setTimeout(resolve, 1000 * refusal.retryAfter))
  return send(route, form, progress)
}
