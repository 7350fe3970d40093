import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.List;
import org.apache.pdfbox.io.IOUtils;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.ExternalSigningSupport;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureOptions;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * The peer of the benchmark: CAdES by Bouncy Castle, invisible PAdES by PDFBox and Bouncy Castle, a key in memory.
 * Reads "cades N" or "pades N", answers "wall_s cpu_s".
 */
public class SigningPeer {
    private static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();
    private static CMSSignedDataGenerator generator;
    private static final List<byte[]> contents = new ArrayList<>();
    private static final List<byte[]> documents = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        prepare(new File(arguments[0]));
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ready");
        String line;
        while ((line = commands.readLine()) != null) {
            String[] words = line.split(" ");
            int count = Integer.parseInt(words[1]);
            long wall = System.nanoTime();
            long cpu = system.getProcessCpuTime();
            for (int number = 0; number < count; number++) {
                byte[] signed = words[0].equals("cades")
                    ? cades(contents.get(number % contents.size()))
                    : pades(documents.get(number % documents.size()));
                if (number == 0 && words.length > 2) {
                    Files.write(new File(words[2]).toPath(), signed);
                }
            }
            double used = (system.getProcessCpuTime() - cpu) / 1e9;
            System.out.println((System.nanoTime() - wall) / 1e9 + " " + used);
        }
    }

    private static void prepare(File folder) throws Exception {
        X509CertificateHolder certificate =
            new X509CertificateHolder(Files.readAllBytes(new File(folder, "certificate.der").toPath()));
        PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(
            new PKCS8EncodedKeySpec(Files.readAllBytes(new File(folder, "key.der").toPath())));
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
        SigningCertificateV2 named = new SigningCertificateV2(new ESSCertIDv2[] {new ESSCertIDv2(null, hash)});
        ASN1EncodableVector attributes = new ASN1EncodableVector();
        attributes.add(new Attribute(PKCSObjectIdentifiers.id_aa_signingCertificateV2, new DERSet(named)));
        ContentSigner signer = new JcaContentSignerBuilder("SHA256withRSA").setProvider(PROVIDER).build(key);
        SignerInfoGenerator info = new SignerInfoGeneratorBuilder(
                new JcaDigestCalculatorProviderBuilder().setProvider(PROVIDER).build())
            .setSignedAttributeGenerator(new DefaultSignedAttributeTableGenerator(new AttributeTable(attributes)))
            .build(signer, certificate);
        generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(info);
        generator.addCertificates(new JcaCertStore(Arrays.asList(certificate)));
        File[] files = folder.listFiles();
        Arrays.sort(files);
        for (File file : files) {
            if (file.getName().endsWith(".bin")) {
                contents.add(Files.readAllBytes(file.toPath()));
            } else if (file.getName().endsWith(".pdf")) {
                documents.add(Files.readAllBytes(file.toPath()));
            }
        }
    }

    private static byte[] cades(byte[] content) throws Exception {
        return generator.generate(new CMSProcessableByteArray(content), true).getEncoded("DER");
    }

    private static byte[] pades(byte[] content) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream(content.length + 16384);
        try (PDDocument document = PDDocument.load(content)) {
            PDSignature signature = new PDSignature();
            signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
            signature.setSubFilter(PDSignature.SUBFILTER_ETSI_CADES_DETACHED);
            signature.setSignDate(Calendar.getInstance());
            SignatureOptions options = new SignatureOptions();
            options.setPreferredSignatureSize(4096);
            document.addSignature(signature, options);
            ExternalSigningSupport external = document.saveIncrementalForExternalSigning(out);
            byte[] signed = IOUtils.toByteArray(external.getContent());
            external.setSignature(generator.generate(new CMSProcessableByteArray(signed), false).getEncoded("DER"));
        }
        return out.toByteArray();
    }
}
