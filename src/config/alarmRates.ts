/** False alarms for each hour of background at which recall is told, and that scans may allow, of each class. */
export const ALARM_RATES = [1, 5, 20] as const
export type AlarmRate = (typeof ALARM_RATES)[number]
