/** False alarms for each hour of background at which recall is told, and that scans may allow, of each class. */
export const ALARM_RATES = [1, 5, 20] as const
export type AlarmRate = (typeof ALARM_RATES)[number]

/** What makes events of classes of which no event was tested in the field: what is more likely one than none, among its background. */
export const UNMEASURED_THRESHOLD = 0.5
