import type { Server } from '@grpc/grpc-js';

export declare const server: Server;
export declare const done: (error: Error | null, port: number) => void;
