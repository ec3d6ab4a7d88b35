#!/usr/bin/env node
import { create } from 'create-apisec';

process.exitCode = await create(process.argv.slice(2));
