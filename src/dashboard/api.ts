import type { Version } from "../registry/versions.ts"

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

const TOKEN = "ecosight-token"

let asking: Promise<boolean> | undefined

/** Asks the reader for the token, once for all requests that wait for it. */
const askToken = (): Promise<boolean> => {
  asking ??= new Promise<boolean>((resolve) => {
    const dialog = document.getElementById("token") as HTMLDialogElement
    const input = dialog.querySelector("input")!
    const take = () => {
      const isGiven = dialog.returnValue === "ok" && input.value !== ""
      if (isGiven) sessionStorage.setItem(TOKEN, input.value)
      resolve(isGiven)
    }
    input.value = ""
    dialog.returnValue = ""
    dialog.addEventListener("close", take, { once: true })
    dialog.showModal()
  }).finally(() => {
    asking = undefined
  })
  return asking
}

/** The headers that show this page may write. */
export const credentials = (): Record<string, string> => {
  const token = sessionStorage.getItem(TOKEN)
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

const reason = (status: number, body: string): string => {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? `The service answered ${status}.`
  } catch {
    return `The service answered ${status}.`
  }
}

/** Asks the service; where it wants a token, asks the reader for it and tries again. */
export const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const response = await fetch(path, { ...init, headers: { ...init.headers, ...credentials() } })
  if (response.status === 401 && (await askToken())) return request(path, init)
  if (!response.ok) {
    const retryAfter = Number(response.headers.get("retry-after") ?? "1")
    throw new Refused(response.status, reason(response.status, await response.text()), retryAfter)
  }
  return response
}

export const get = async <A>(path: string): Promise<A> => (await request(path)).json() as Promise<A>

export const post = async <A>(path: string, body?: unknown): Promise<A> => {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }
  return (await request(path, { method: "POST", ...init })).json() as Promise<A>
}

/** Sends a file and tells how far it is, 0 to 1, which fetch cannot. Waits where it is told to. */
export const send = async <A>(path: string, form: FormData, progress: (share: number) => void): Promise<A> => {
  const { status, text, wait } = await new Promise<{ status: number; text: string; wait: number }>(
    (resolve, reject) => {
      const xhr = new XMLHttpRequest()
      xhr.open("POST", path)
      for (const [name, value] of Object.entries(credentials())) xhr.setRequestHeader(name, value)
      xhr.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0)
      xhr.onload = () =>
        resolve({
          status: xhr.status,
          text: xhr.responseText,
          wait: Number(xhr.getResponseHeader("retry-after") ?? "1")
        })
      xhr.onerror = () => reject(new Refused(0, "The service cannot be reached.", 1))
      xhr.send(form)
    }
  )
  if (status === 401 && (await askToken())) return send(path, form, progress)
  if (status === 429) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * wait))
    return send(path, form, progress)
  }
  if (status < 200 || status >= 300) throw new Refused(status, reason(status, text), wait)
  return JSON.parse(text) as A
}

export interface VersionDetails extends Version {
  readonly metadata: { readonly notes: ReadonlyArray<string> }
  readonly metrics: {
    readonly confusion_matrix?: ReadonlyArray<ReadonlyArray<number>>
    readonly per_class_metrics?: Readonly<
      Record<
        string,
        { readonly precision: number; readonly recall: number; readonly f1_score: number; readonly support: number }
      >
    >
  } | null
  readonly history: Readonly<Record<string, ReadonlyArray<number>>>
}

export interface RunView {
  readonly id: string
  readonly status: "running" | "finished" | "failed" | "cancelled"
  readonly startedAt: string | null
  readonly trigger: string | null
  readonly outcome: string | null
}

export interface Classes {
  readonly classes: ReadonlyArray<{ readonly name: string; readonly recordings: number; readonly new: number }>
  readonly recordings: number
  readonly new_since_training: number
  readonly threshold: number
  readonly new_classes_allowed: boolean
  readonly running: string | null
}
