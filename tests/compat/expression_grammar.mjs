// Random expressions and documents that have something to do with each other. The same seed makes the same ones.

/** mulberry32: small, seeded, good enough to choose with. */
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const NAMES = ["a", "b", "c", "d", "e", "in", "and"];
const TEXTS = ["", "x", "abc", "Hello World", "a,b,c", " pad ", "12", "-1.5", "é😀", "2026-11-22T16:48:00.123Z"];
const NUMBERS = [0, 1, 2, 3, 5, -1, 0.5, 2.5, 1e3, 100, 1.005, 12345.678, -7, 1e15, 1e-7];

export class Grammar {
  constructor(random) {
    this.random = random;
  }

  below(n) {
    return Math.floor(this.random() * n);
  }
  one(list) {
    return list[this.below(list.length)];
  }
  name() {
    return this.one(NAMES.slice(0, 5));
  }

  document(depth = 4) {
    const kind = depth <= 0 ? this.below(4) : this.below(9);
    if (kind === 0) return this.one(NUMBERS);
    if (kind === 1) return this.one(TEXTS);
    if (kind === 2) return this.random() < 0.5;
    if (kind === 3) return this.random() < 0.3 ? null : this.one(NUMBERS);
    if (kind < 7) {
      const object = {};
      for (let i = this.below(5); i >= 0; --i) object[this.name()] = this.document(depth - 1);
      return object;
    }
    return Array.from({ length: this.below(4) }, () => this.document(depth - 1));
  }

  expression(depth) {
    if (depth <= 0) return this.leaf();
    const d = depth - 1;
    const e = () => this.expression(d);
    const choices = [
      () => this.path(d), () => this.path(d), () => this.path(d), () => this.path(d),
      () => `${e()} ${this.one(["+", "-", "*", "/", "%"])} ${e()}`,
      () => `${e()} ${this.one(["=", "!=", "<", "<=", ">", ">=", "in"])} ${e()}`,
      () => `${e()} ${this.one(["and", "or"])} ${e()}`,
      () => `${e()} & ${e()}`,
      () => `(${e()} ? ${e()} : ${e()})`,
      () => `(${e()} ${this.one(["?:", "??"])} ${e()})`,
      () => `[${this.list(e)}]`,
      () => `[${this.below(3)}..${this.below(5)}]`,
      () => `{${this.pairs(e)}}`,
      () => `(${this.one(["$v", "$w"])} := ${e()}; ${e()})`,
      () => this.call(d), () => this.call(d), () => this.call(d), () => this.call(d),
      () => this.higherOrder(d), () => this.higherOrder(d),
      () => `${e()} ~> ${this.one(["$string", "$count", "$sum", "$keys", "$type", "$string()", "$join('-')"])}`,
      () => `-${this.leaf()}`,
      () => `(${this.path(d)} ~> |${this.one(["$", "a", "**", "*"])}|{"z": ${e()}}${this.one(["", ", 'a'", ", ['b','c']"])}|)`,
    ];
    return this.one(choices)();
  }

  leaf() {
    return this.one([
      () => this.name(), () => this.name(), () => this.name(), () => "$", () => "$$", () => this.one(["$v", "$w"]),
      () => String(this.one([0, 1, 2, 3, 10, 0.5, 1.25])), () => JSON.stringify(this.one(TEXTS)),
      () => this.one(["true", "false", "null"]), () => "*", () => "**",
    ])();
  }

  list(make) {
    return Array.from({ length: this.below(4) }, make).join(", ");
  }
  pairs(make) {
    return Array.from({ length: 1 + this.below(2) }, (_, i) =>
      `${this.one([`"k${i}"`, `"k${i}"`, `$string(${this.name()})`, this.name()])}: ${make()}`).join(", ");
  }

  path(depth) {
    const steps = [this.one([() => this.name(), () => this.name(), () => "$", () => "$$", () => "*", () => "**",
      () => `(${this.expression(depth)})`, () => `[${this.list(() => this.expression(depth - 1))}]`])()];
    for (let i = this.below(3); i > 0; --i) {
      steps.push(this.one([() => this.name(), () => this.name(), () => this.name(), () => "*", () => "**", () => "%",
        () => "$", () => `(${this.expression(depth - 1)})`, () => `{${this.pairs(() => this.expression(depth - 1))}}`,
        () => `[${this.list(() => this.expression(depth - 1))}]`, () => this.call(depth - 1),
        () => `${this.name()}@$v`, () => `${this.name()}#$w`])());
    }
    let path = steps.map((step) => step + this.behind(depth)).join(".");
    if (this.random() < 0.08) path += `^(${this.one(["", "<", ">"])}${this.one(["$", this.name(), "$string($)"])})`;
    if (this.random() < 0.06) path += `{${this.pairs(() => this.expression(depth - 1))}}`;
    return path;
  }

  behind(depth) {
    if (this.random() < 0.7) return "";
    return this.one([() => "[]", () => `[${this.below(3)}]`, () => "[-1]", () => `[${this.name()}]`,
      () => `[${this.expression(depth - 1)}]`, () => `[${this.name()} = ${this.leaf()}]`, () => "[[0..1]]",
      () => "[][0]", () => "[0][]"])();
  }

  call(depth) {
    const e = () => this.expression(depth);
    const s = () => this.one([e, () => JSON.stringify(this.one(TEXTS)), () => `$string(${e()})`])();
    const n = () => this.one([e, () => String(this.one(NUMBERS)), () => String(this.below(5))])();
    return this.one([
      () => `$string(${e()})`, () => `$length(${s()})`, () => `$substring(${s()}, ${n()}, ${n()})`,
      () => `$substring(${s()}, ${n()})`, () => `$substringBefore(${s()}, ${s()})`,
      () => `$substringAfter(${s()}, ${s()})`, () => `$uppercase(${s()})`, () => `$lowercase(${s()})`,
      () => `$trim(${s()})`, () => `$pad(${s()}, ${this.below(12) - 6}, "#-")`, () => `$contains(${s()}, ${s()})`,
      () => `$split(${s()}, ${this.one(['","', '" "', "/[, ]/", '"x"'])})`, () => `$join($split(${s()}, ","), "+")`,
      () => `$match(${s()}, /[a-z]+/i)`, () => `$replace(${s()}, "a", "$1-$2")`,
      () => `$number(${s()})`, () => `$abs(${n()})`, () => `$floor(${n()})`, () => `$ceil(${n()})`,
      () => `$round(${n()}, ${this.below(5) - 2})`, () => `$power(${n()}, 2)`, () => `$sqrt(${n()})`,
      () => `$formatNumber(${n()}, ${this.one(["'#,##0.00'", "'0.###'", "'00'", "'#0.0;(#0.0)'", "'#%'"])})`,
      () => `$formatBase(${n()}, ${this.one([2, 16, 36])})`,
      () => `$formatInteger(${n()}, ${this.one(["'w'", "'I'", "'a'", "'#,##0'", "'001'", "'1;o'", "'Ww;o'"])})`,
      () => `$sum(${e()})`, () => `$max(${e()})`, () => `$min(${e()})`, () => `$average(${e()})`,
      () => `$count(${e()})`, () => `$append(${e()}, ${e()})`, () => `$exists(${e()})`, () => `$boolean(${e()})`,
      () => `$not(${e()})`, () => `$reverse(${e()})`, () => `$sort(${e()})`, () => `$distinct(${e()})`,
      () => `$zip(${e()}, ${e()})`, () => `$keys(${e()})`, () => `$lookup(${e()}, "${this.name()}")`,
      () => `$spread(${e()})`, () => `$merge([${e()}, ${e()}])`, () => `$type(${e()})`,
      () => `$encodeUrlComponent(${s()})`, () => `$fromMillis(${n()}, "[Y]-[M01]-[D] [H]:[m] [FNn] [W]")`,
      () => `$toMillis(${s()})`, () => `$error(${s()})`, () => `$assert(${e()}, "no")`,
      () => `$string()`, () => `$length()`, () => `$uppercase()`, () => `$keys()`, () => `$boolean()`,
    ])();
  }

  higherOrder(depth) {
    const e = () => this.expression(depth);
    const body = () => this.one([e, () => "$v", () => "$v + 1", () => "$v & $w", () => "$string($v)"])();
    return this.one([
      () => `$map(${e()}, function($v) {${body()}})`, () => `$map(${e()}, function($v, $w) {${body()}})`,
      () => `$map(${e()}, ${this.one(["$string", "$uppercase", "$round", "$abs", "$type", "$count"])})`,
      () => `$filter(${e()}, function($v) {${body()}})`, () => `$reduce(${e()}, function($v, $w) {${body()}})`,
      () => `$reduce(${e()}, function($v, $w) {${body()}}, ${e()})`,
      () => `$sift(${e()}, function($v, $w) {${body()}})`, () => `$each(${e()}, function($v, $w) {${body()}})`,
      () => `$single(${e()}, function($v) {${body()}})`, () => `$sort(${e()}, function($v, $w) {$v > $w})`,
      () => `(function($v) {${body()}})(${e()})`, () => `(function($v, $w)<nn:n> {$v * $w})(${e()}, ${e()})`,
      () => `(function($v)<a<s>:s> {$v[0]})(${e()})`, () => `(function($v)<x-:x> {$v})()`,
      () => `(${e()} ~> $map(function($v) {${body()}}))`, () => `$substring(?, 1)(${e()})`,
      () => `($f := function($v) {$v > 0 ? $f($v - 1) : ${e()}}; $f(3))`,
    ])();
  }
}
