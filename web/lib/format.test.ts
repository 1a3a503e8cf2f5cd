import { describe, expect, test } from "vitest";
import { ago, amount, hourKey, percent, signed, time } from "./format";

describe("amounts are exact decimals", () => {
  test("they are grouped and cut, never rounded up", () => {
    expect(amount("1234567.899")).toBe("1,234,567.89");
    expect(amount("0.999999")).toBe("0.99");
    expect(amount("12")).toBe("12.00");
    expect(amount("10000.00000001", 8)).toBe("10,000.00000001");
    expect(amount("1999.9", 0)).toBe("1,999");
  });
  test("a loss has its sign", () => expect(amount("-1234.5")).toBe("−1,234.50"));
  test("digits that a float would lose stay", () =>
    expect(amount("9007199254740993.12")).toBe("9,007,199,254,740,993.12"));
});

describe("fractions", () => {
  test("are shown in percent with their sign", () => {
    expect(percent(0.1234)).toBe("12.34 %");
    expect(percent(-0.05, 1)).toBe("−5.0 %");
    expect(signed(0.01)).toBe("+1.00 %");
  });
  test("what rounds to nothing has no sign", () => expect(percent(-0.000001)).toBe("0.00 %"));
});

describe("times", () => {
  test("are in UTC and say so", () =>
    expect(time("2026-01-01T12:00:00Z", "utc")).toBe("2026-01-01 12:00 UTC"));
  test("name an hour in an address", () =>
    expect(hourKey("2026-01-01T12:00:00+00:00")).toBe("2026-01-01T12:00Z"));
  test("age in the largest unit that says enough", () => {
    const now = Date.parse("2026-01-02T00:00:00Z");
    expect(ago("2026-01-01T23:59:30Z", now)).toBe("30 s");
    expect(ago("2026-01-01T23:10:00Z", now)).toBe("50 min");
    expect(ago("2026-01-01T12:00:00Z", now)).toBe("12 h");
    expect(ago("2026-01-02T00:00:05Z", now)).toBe("0 s");
  });
});
