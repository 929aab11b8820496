// What the console says, in the language of the page; and numbers and times as that language writes them.

export const language = document.documentElement.lang;
const words = (await import(`./words.${language}.js`)).default;

/** t("live.topics", 8): the words of a key; {0}, {1} … are put in. A test holds that every key used here exists. */
export function t(key, ...values) {
  const text = words[key] ?? key;
  return values.length === 0 ? text : text.replace(/\{(\d)\}/g, (_, index) => String(values[index]));
}

/** Whether a key has words: for reasons and states that come from the server. */
export const knows = key => Object.hasOwn(words, key);

/** The word for a name of the server's, or the name itself. */
export const named = (prefix, name) => (knows(`${prefix}.${name}`) ? t(`${prefix}.${name}`) : name);

const zone = document.documentElement.dataset.zone;
const whole = new Intl.NumberFormat(language);
const oneDigit = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat("sv-SE", {
  timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  second: "2-digit",
});

/** Numbers that a double cannot hold come as text with all their digits, and stay as they are. */
export const count = value => (value === null || value === undefined ? "" : typeof value === "string"
  ? value : whole.format(value));

export const decimal = value => oneDigit.format(value);

export function bytes(value) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let left = Number(value);
  while (left >= 1000 && unit < units.length - 1) {
    left /= 1000;
    unit++;
  }
  return `${unit === 0 ? whole.format(left) : oneDigit.format(left)} ${units[unit]}`;
}

/** 850 ms, 12.3 s, 4 min. */
export function duration(milliseconds) {
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return t("unit.ms", whole.format(Math.round(ms)));
  if (ms < 120_000) return t("unit.s", oneDigit.format(ms / 1000));
  if (ms < 7_200_000) return t("unit.min", whole.format(Math.round(ms / 60_000)));
  if (ms < 172_800_000) return t("unit.h", whole.format(Math.round(ms / 3_600_000)));
  return t("unit.d", whole.format(Math.round(ms / 86_400_000)));
}

export const ago = time => t("unit.ago", duration(Date.now() - Date.parse(time)));

/** 2026-11-21 10:03:07, in the project's zone. */
export const time = value => (value ? moment.format(new Date(value)) : "");
