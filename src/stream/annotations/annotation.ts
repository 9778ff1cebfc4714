/** What is where in a recording, as a person or a program says. */
export interface Annotation {
  /** Seconds from the recording's beginning. */
  readonly start: number
  /** The same; equal to `start` for a point in time. */
  readonly end: number
  /** What is heard there, as the table calls it. */
  readonly label: string
  /** 0 to 1, where the table says how sure it is. */
  readonly confidence?: number
  /** Who says so. */
  readonly annotator?: string
  /** The band in which it is heard, in Hz. */
  readonly low?: number
  readonly high?: number
}

/** A part of a recording, in seconds; the whole of it where it is empty. */
export type HeardPart = { readonly start: number; readonly end: number } | undefined

/** What is said of a recording. */
export interface Annotations {
  readonly annotations: ReadonlyArray<Annotation>
  /** What has been listened to completely: where nothing is annotated in it, nothing is to be heard. */
  readonly complete: ReadonlyArray<HeardPart>
}

/** An annotation as it stands in a table. */
export interface AnnotationRow extends Annotation {
  /** The line of the table, from 1. */
  readonly row: number
  /** The recording that the row names, in whatever way the table's writer named it; absent where it names none. */
  readonly file?: string
}

/** A row that says nothing that can be used, and why, as a sentence. */
export interface BadRow {
  readonly row: number
  readonly reason: string
}

/** What has been listened to completely: where nothing is annotated in it, nothing is to be heard. */
export interface HeardSpan {
  /** Seconds; the whole recording without both. */
  readonly span?: { readonly start: number; readonly end: number }
  /** The line of the table that says so, from 1; absent where a remark does. */
  readonly row?: number
  readonly file?: string
}

/** A table of annotations, of one recording or of many. */
export interface AnnotationTable {
  readonly format: string
  readonly rows: ReadonlyArray<AnnotationRow>
  readonly bad: ReadonlyArray<BadRow>
  readonly complete: ReadonlyArray<HeardSpan>
}

/** Something heard by a model, as it is written into tables. */
export interface Detection {
  /** The recording's key. */
  readonly recording: string
  /** Seconds from the recording's beginning. */
  readonly start: number
  readonly end: number
  readonly class: string
  /** The highest and the mean probability of its windows. */
  readonly peak: number
  readonly mean: number
  /** How many windows it has. */
  readonly windows: number
  /** When it began by the recorder's clock, as ISO 8601 has it. */
  readonly at?: string | undefined
  /** What a person says that it is: a class, or nothing (the empty text). */
  readonly judged?: string | undefined
}

/** How detections are written in a format: `head` once, then a row each. */
export interface TableWriter {
  /** What follows the name in a table's file name. */
  readonly ending: string
  /** Whether a table is of one recording; otherwise its rows say of which they are. */
  readonly perRecording: boolean
  /** Whether a row has a place for what a person says. */
  readonly tellsJudged?: boolean
  readonly head: string
  /** `number` counts a table's rows from 1. */
  readonly row: (detection: Detection, number: number) => string
}

/** How the annotations of one recording are written in a format, with all of them that it can hold. */
export interface AnnotationWriter {
  readonly head: string
  /** What stands above the head where all was listened to; without it, a point where the recording begins says so. */
  readonly whole?: string
  /** `number` counts a table's rows from 1. */
  readonly row: (annotation: Annotation, number: number, recording: string) => string
}

/** A way of writing annotations down. */
export interface TableFormat {
  readonly name: string
  /** Reads a sheet; undefined where it is not of this format. */
  readonly read?: (sheet: Sheet, options: ReadOptions) => AnnotationTable | undefined
  readonly writer?: TableWriter
  readonly annotations?: AnnotationWriter
}

export interface ReadOptions {
  /** The column that says the class, where it is none of the usual ones. */
  readonly labelColumn?: string | undefined
}

/** A file's cells. */
export interface Sheet {
  readonly lines: ReadonlyArray<Line>
  /** Lines that begin with # and a space, or with # and hold one cell only, without the #. */
  readonly comments: ReadonlyArray<string>
}

export interface Line {
  /** The line's number in the file, from 1. */
  readonly row: number
  readonly cells: ReadonlyArray<string>
}
