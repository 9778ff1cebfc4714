import { VARIANT_NAMES, type VariantName } from "../augment/variants.ts"
import { sha256 } from "./sha256.ts"
import type { ObjectInfo } from "./store.ts"

/** Under here lie the recordings, one folder per class. */
export const RECORDINGS_PREFIX = "extracted_audio/"
/** Under here lie recordings without a class yet, in any folders. */
export const UNLABELLED_PREFIX = "unlabelled_audio/"
/** Under here lie the audit copies, laid out as the recordings are. */
export const AUDIT_PREFIX = "augmented_audio/"
/** Under here lies one record per audit copy. */
export const MANIFEST_PREFIX = "augmented_audio/manifest/"
/** Under here lie the vectors of recordings, a folder a recipe. */
export const EMBEDDINGS_PREFIX = "embeddings/"
/** Under here lie field recordings of any length without a class, a folder a site. */
export const FIELD_PREFIX = "field_audio/"
/** Under here lies what is where in field recordings, a table a recording, by its path below `field_audio/`. */
export const ANNOTATIONS_PREFIX = "annotations/"
/** Under here lie the vectors of field recordings' windows, a folder a recipe. */
export const SCANS_PREFIX = "scans/"
/** Under here lies what models heard in field recordings, a folder a version. */
export const EVENTS_PREFIX = "events/"
/** Under here lie embedders that came in a file, by the hash of their content. */
export const EMBEDDERS_PREFIX = "embedders/"
/** Under here lies what is promoted now. */
export const MODELS_PREFIX = "models/"
/** Under here lies every candidate, whole. */
export const VERSIONS_PREFIX = "models/versions/"
/** Names the promoted version; moves last, by conditional write. */
export const CURRENT_KEY = "models/current.json"
/** Under here lie the run records. */
export const RUNS_PREFIX = "runs/"
/** Held by the one run that may train. */
export const LEASE_KEY = "runs/lease.json"
/** Shows whether a bucket's server heeds conditional writes; only `s3-conditions.ts` writes it, and no listing has it. */
export const PROBE_KEY = "runs/.conditional-write"
/** Under here lies, by content, where an uploaded recording went. */
export const UPLOADS_PREFIX = "uploads/"
/** Under here lie recordings that a review took out of the training set, laid out as they were under `extracted_audio`. */
export const SET_ASIDE_PREFIX = "set_aside/"
/** Under here lie recordings that were removed, by the change that did so: what is here can be put back, or deleted for good. */
export const TRASH_PREFIX = "trash/"
/** What the last review of the recordings found. */
export const REVIEW_KEY = "review/review.json"
/** Which recordings are near-duplicates, so that a split keeps them together. */
export const DUPLICATES_KEY = "review/duplicates.json"
/** Under here lies, by class and content, which recordings a person has found right. */
export const KEPT_PREFIX = "review/kept/"
/** Under here lies one record per recording that a review moved. */
export const MOVES_PREFIX = "review/moves/"
/** Under here lie those of them that are under way, or whose process died. */
export const MOVES_BEGUN_PREFIX = "review/moves/begun/"

/** Under here lies one record per change of many recordings at once. */
export const CHANGES_PREFIX = "review/changes/"

const PROGRAM_PREFIXES = [
  AUDIT_PREFIX,
  EMBEDDERS_PREFIX,
  EMBEDDINGS_PREFIX,
  EVENTS_PREFIX,
  MODELS_PREFIX,
  RUNS_PREFIX,
  SCANS_PREFIX,
  SET_ASIDE_PREFIX,
  TRASH_PREFIX,
  UPLOADS_PREFIX,
  "review/"
]

/** Whether what lies there is this program's own, and no recording or table of anybody's. */
export const isOfProgram = (key: string): boolean => PROGRAM_PREFIXES.some((own) => key.startsWith(own))

export const manifestKey = (name: string): string => `${MANIFEST_PREFIX}${name}`
export const embeddingsPrefix = (recipe: string): string => `${EMBEDDINGS_PREFIX}${recipe}/`
export const scansPrefix = (recipe: string): string => `${SCANS_PREFIX}${recipe}/`
export const eventsPrefix = (runId: string): string => `${EVENTS_PREFIX}${runId}/`
/** Names by which settings a version's events are told. */
export const toldKey = (runId: string): string => `${eventsPrefix(runId)}told.json`
/** What a version has learnt of a site's sound: a site's name need not be one for a file. */
export const siteKey = (runId: string, site: string): string =>
  `${eventsPrefix(runId)}sites/${sha256(site).slice(0, 16)}.json`
/** A part in a folder such as `embeddings/<recipe>/`. */
export const partKey = (folder: string, part: string): string => `${folder}${part}.parquet`
/** Where a part goes that cannot be read: out of the way, but not lost. */
export const damagedPartKey = (folder: string, part: string): string => `${folder}damaged/${part}.parquet`
/** Stands between a damaged object's key and the beginning of its hash. */
export const DAMAGED = ".damaged-"
/** Where a damaged object goes: beside its place, by a name that says what it is and differs for other bytes. */
export const damagedKey = (key: string, bytes: Uint8Array): string => `${key}${DAMAGED}${sha256(bytes).slice(0, 8)}`
/** Whether this is where something damaged went. */
export const isDamagedKey = (key: string): boolean => key.includes(DAMAGED)
export const embedderKey = (sha256: string): string => `${EMBEDDERS_PREFIX}${sha256}.onnx`
export const modelKey = (file: string): string => `${MODELS_PREFIX}${file}`
export const versionPrefix = (runId: string): string => `${VERSIONS_PREFIX}${runId}/`
export const versionKey = (runId: string, file: string): string => `${versionPrefix(runId)}${file}`
export const runKey = (runId: string): string => `${RUNS_PREFIX}${runId}.json`

/** Under here lie the shards of a run on a cluster, until it ends. */
export const shardsPrefix = (runId: string): string => `${RUNS_PREFIX}${runId}/`
/** The recordings of one shard; `round` counts how often this run has had to embed. */
export const shardKey = (runId: string, round: number, shard: number): string =>
  `${shardsPrefix(runId)}${round}-${String(shard).padStart(6, "0")}.json`

/** Says where the recording with these bytes (hex SHA-256) was uploaded to. */
export const uploadKey = (contentHash: string): string => `${UPLOADS_PREFIX}${contentHash}.json`

/** Whether a recording is called as uploads are: `<UTC time>_<name>`. */
export const isUploadName = (key: string): boolean => /^\d{8}T\d{6}Z_/.test(fileName(key))

/** Says that a person found the recording with these bytes (hex SHA-256) right in this class. */
export const keptKey = (className: string, contentHash: string): string =>
  `${KEPT_PREFIX}${className}/${contentHash}.json`

/** Says what a review moved; `id` sorts by time. */
export const moveKey = (id: string): string => `${MOVES_PREFIX}${id}.json`

export const moveBegunKey = (id: string): string => `${MOVES_BEGUN_PREFIX}${id}.json`

export const changeKey = (id: string): string => `${CHANGES_PREFIX}${id}.json`

/** Where a recording goes that the change `id` removes: laid out as it was under `extracted_audio`. */
export const trashKey = (id: string, recording: string): string =>
  `${TRASH_PREFIX}${id}/${recording.slice(RECORDINGS_PREFIX.length)}`

/** Where a recording goes that is set aside: the same place below another prefix, so that it can come back. */
export const setAsideKey = (recording: string): string => SET_ASIDE_PREFIX + recording.slice(RECORDINGS_PREFIX.length)

/** The key of a recording: `path` is its file name, or folders and a file name, below the class. */
export const recordingKey = (className: string, path: string): string => `${RECORDINGS_PREFIX}${className}/${path}`

const CLUTTER = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$)|(^|\/|_\$folder\$)$/i
/** What lies beside recordings: notes, tables and what was replaced of them, selections and label tracks, pictures, places, peaks, checksums, programs. */
const COMPANION =
  /\.(txt|md|rtf|pdf|docx?|odt|csv|tsv|xlsx?|ods|jsonl?|xml|ya?ml|toml|ini|cfg|conf|log|html?|textgrid|eaf|lab|svl|cue|m3u8?|pls|gpx|kml|kmz|jpe?g|png|gif|bmp|tiff?|svg|webp|sfk|pkf|asd|reapeaks|md5|sha1|sha256|sha512|sfv|par2|lnk|url|db|sqlite3?|parquet|npy|npz|py|r|ipynb|sh|bat|exe|replaced(-[0-9a-f]{8})?)$/i

/**
 * Whether an object below `extracted_audio/` is meant as a recording.
 *
 * What file managers and archivers leave behind is not: hidden files and folders (`.DS_Store`, `._x.wav`), `Thumbs.db`,
 * `__MACOSX/`, folder markers. Nor are companions, whose names end as those of notes, tables and pictures do. What else is
 * there is a recording, whatever its name ends in; if it turns out not to hold audio, the run says so.
 */
export const isRecording = ({ key }: Pick<ObjectInfo, "key">): boolean => isSound(key, RECORDINGS_PREFIX)

/** Whether this is where a recording may lie that was uploaded or moved: in its class, unlabelled, set aside or in the trash. */
export const isRecordingPlace = (key: string): boolean => {
  const [, path] = /^(?:set_aside|trash\/[^/]+)\/(.*)$/s.exec(key) ?? []
  return path === undefined
    ? isRecording({ key }) || isUnlabelled({ key })
    : isRecording({ key: RECORDINGS_PREFIX + path })
}

/** Whether an object is meant as a recording that is to be labelled. */
export const isUnlabelled = ({ key }: Pick<ObjectInfo, "key">): boolean => isSound(key, UNLABELLED_PREFIX)

/** Whether an object is meant as a field recording. */
export const isFieldRecording = ({ key }: Pick<ObjectInfo, "key">): boolean => isSound(key, FIELD_PREFIX)

/** The site of a field recording: the first folder below `field_audio/`; empty for one that lies in no folder. */
export const siteOf = (key: string): string => {
  const [site, ...path] = key.slice(FIELD_PREFIX.length).split("/")
  return path.length > 0 ? site! : ""
}

const isSound = (key: string, prefix: string): boolean => {
  const path = key.slice(prefix.length)
  return key.startsWith(prefix) && !CLUTTER.test(path) && !COMPANION.test(path)
}

/** Whether an object may be a table of what is where in field recordings: under `annotations/`, or beside them. */
export const mayBeTable = ({ key }: Pick<ObjectInfo, "key">): boolean =>
  (key.startsWith(ANNOTATIONS_PREFIX) || key.startsWith(FIELD_PREFIX)) &&
  /\.(txt|csv)$/i.test(key) &&
  !CLUTTER.test(key)

/** Whether an object only says that there is a folder. */
export const isFolderMarker = ({ key }: Pick<ObjectInfo, "key">): boolean => /(\/|_\$folder\$)$/.test(key)

/** Whether an object below `extracted_audio/` is a file beside the recordings, which is left alone. */
export const liesBeside = (object: Pick<ObjectInfo, "key">): boolean => !isRecording(object) && !isFolderMarker(object)

/** A part of a field recording that has a class of its own. */
export interface Span {
  /** The field recording's key. */
  readonly recording: string
  /** Seconds from its beginning. */
  readonly start: number
  readonly end: number
  readonly className: string
}

/** What a span is called where recordings have keys; nothing lies under it. The time is written as in media fragments. */
export const spanKey = ({ recording, start, end, className }: Span): string =>
  `${recording}#t=${Number(start.toFixed(3))},${Number(end.toFixed(3))}&class=${className}`

/** The span that is called so; undefined for what is the key of an object. */
export const spanOf = (key: string): Span | undefined => {
  const [, recording, start, end, className] = /^(.*)#t=([\d.]+),([\d.]+)&class=([^/&]+)$/s.exec(key) ?? []
  return recording?.startsWith(FIELD_PREFIX)
    ? { recording, start: Number(start), end: Number(end), className: className! }
    : undefined
}

/** The class of a recording: the first folder below `extracted_audio/`, or a span's own. Undefined for one that lies in no folder. */
export const classOf = (key: string): string | undefined => {
  if (key.startsWith(FIELD_PREFIX)) return spanOf(key)?.className
  const [className, ...path] = key.slice(RECORDINGS_PREFIX.length).split("/")
  return key.startsWith(RECORDINGS_PREFIX) && className !== "" && path.length > 0 ? className : undefined
}

/** A key's file name without its ending: `dog 1` of `extracted_audio/dogs/2024/dog 1.wav`. */
export const stemOf = (key: string): string => fileName(key).replace(/(?<=.)\.[^.]*$/, "")

/** A key without its folders. */
export const fileName = (key: string): string => key.slice(key.lastIndexOf("/") + 1)

const ENDING = /\.(wav|wave|mp3|flac|ogg|oga|opus|m4a|aac|aif|aiff|wma|webm|amr|caf)$/i

/**
 * The key of a variant's audit copy: `augmented_audio/<class>/<name>_<variant>.wav`.
 *
 * `<name>` is the recording's path below its class. It loses the ending `.wav`, as in EcoSight, and keeps any other, so
 * that `a.wav`, `a.mp3`, `a.WAV` and `b/a.wav` never share a copy. A name that ends in nothing known gets `.audio` for
 * the same reason. A span's `<name>` is its field recording's path and its time. The recording's key can be told from the copy's, so distinct recordings have distinct copies.
 */
export const variantKey = (recording: string, variant: VariantName): string => {
  const span = spanOf(recording)
  const name = span === undefined ? auditName(recording.slice(RECORDINGS_PREFIX.length)) : spanName(span)
  return `${AUDIT_PREFIX}${name}_${variant}.wav`
}

/** A span's path below its class: its recording's, and its time. */
const spanName = ({ recording, start, end, className }: Span): string =>
  `${className}/${recording.slice(FIELD_PREFIX.length)}_${start}-${end}`

// Three kinds of names, told apart by how they end: no known ending (it was .wav), a known ending, .audio (anything else).
const auditName = (path: string): string => {
  const stem = path.endsWith(".wav") ? path.slice(0, -".wav".length) : undefined
  if (stem !== undefined && !ENDING.test(stem) && !stem.endsWith(".audio")) return stem
  return ENDING.test(path) ? path : `${path}.audio`
}

// Four numbers: source, class, occurrence, slice. Fewer would take the year of 2024-05-01.wav for a source.
// An upload's name begins with its time.
const URBANSOUND8K = /^(?:\d{8}T\d{6}Z_)?(\d+)-\d+-\d+-\d+(?!\d|-)/
const TRAILING_VARIANTS = new RegExp(`(?<=.)(_(${VARIANT_NAMES.join("|")}))+$`)

/**
 * The group of a recording: recordings cut from one source share it, and must stay on one side of a split.
 *
 * `pattern` is matched against the file name, or against the path below `extracted_audio/` if it contains a slash; its
 * first capture group, else all that it matched, is the group. Where it does not match, and without one: the leading
 * number of UrbanSound8K's names (`<source>-<class>-<occurrence>-<slice>`), else the stem without trailing variants.
 * A span's source is its field recording, by its path without the ending: recorders of many sites give the same names.
 */
export const groupOf = (key: string, pattern?: RegExp): string => {
  const recording = spanOf(key)?.recording
  const path = recording?.slice(FIELD_PREFIX.length) ?? key.slice(RECORDINGS_PREFIX.length)
  const match = pattern?.exec(pattern.source.includes("/") ? path : fileName(path))
  if (match) return match[1] ?? match[0]
  if (recording !== undefined) return path.replace(/(?<=[^/])\.[^./]*$/, "")
  return URBANSOUND8K.exec(fileName(key))?.[1] ?? stemOf(key).replace(TRAILING_VARIANTS, "")
}
