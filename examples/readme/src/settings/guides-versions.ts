export declare const count: (...labels: readonly unknown[]) => void;
