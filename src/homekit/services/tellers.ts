import type { Capability } from '../../devices/types.ts';
import type { Component, ServicePlan } from '../service-plan.ts';

import { planAirQualitySensors } from './air-quality-sensor.ts';
import { planButtons } from './buttons.ts';
import { planCarbonDioxideSensor } from './carbon-dioxide-sensor.ts';
import { planCarbonMonoxideSensor } from './carbon-monoxide-sensor.ts';
import { planContactSensor } from './contact-sensor.ts';
import { planHumiditySensor } from './humidity-sensor.ts';
import { planLeakSensor } from './leak-sensor.ts';
import { planLightSensor } from './light-sensor.ts';
import { planMotionSensor } from './motion-sensor.ts';
import { planOccupancySensor } from './occupancy-sensor.ts';
import { planSmokeSensor } from './smoke-sensor.ts';
import { planTemperatureSensor } from './temperature-sensor.ts';

const TELLERS = [
  planTemperatureSensor,
  planHumiditySensor,
  planLightSensor,
  planMotionSensor,
  planContactSensor,
  planLeakSensor,
  planOccupancySensor,
  planSmokeSensor,
  planCarbonDioxideSensor,
  planCarbonMonoxideSensor,
];

/**
 * The services of a component that only tells: one for each value that Apple Home can show. Components of type button and
 * scene have none: a momentary switch for each would fill the home with tiles that nobody asked for.
 */
export function planTellers(component: Component): ServicePlan[] {
  return TELLERS.flatMap((plan) => plan(component) ?? []);
}

/** The services that several components of one device make together. */
export function planJointTellers(capabilities: readonly Capability[]): ServicePlan[] {
  return [...planAirQualitySensors(capabilities), ...planButtons(capabilities)];
}
