/**
 * Sines and cosines that have the same bits on every machine.
 *
 * `Math.sin` and `Math.cos` are whatever the engine's C library gives, which differs in the last bit between
 * platforms; audit copies must not. These use only operations that IEEE 754 rounds exactly (+, -, ×): the
 * polynomials of fdlibm's k_sin.c and k_cos.c, below 1 ulp on an eighth of a turn either side of zero.
 */

const TURN = 2 * Math.PI

const sine = (x: number): number => {
  const z = x * x
  return (
    x +
    x *
      z *
      (-0.16666666666666632 +
        z *
          (0.00833333333332249 +
            z *
              (-0.0001984126982985795 +
                z * (2.7557313707070068e-6 + z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)))))
  )
}

const cosine = (x: number): number => {
  const z = x * x
  return (
    1 -
    0.5 * z +
    z *
      z *
      (0.0416666666666666 +
        z *
          (-0.001388888888887411 +
            z *
              (2.480158728947673e-5 +
                z * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 - z * 1.1359647557788195e-11)))))
  )
}

/** The cosine of x turns and `quarters` quarter turns. */
const cosineOf = (x: number, quarters: number): number => {
  const nearest = Math.round(4 * x)
  const angle = TURN * (x - nearest / 4)
  switch ((nearest + quarters) & 3) {
    case 0:
      return cosine(angle)
    case 1:
      return -sine(angle)
    case 2:
      return -cosine(angle)
    default:
      return sine(angle)
  }
}

/** cos(2πx): the cosine of x turns. */
export const cosTurn = (x: number): number => cosineOf(x, 0)

/** sin(2πx): the sine of x turns. */
export const sinTurn = (x: number): number => cosineOf(x, -1)
